#include "meter/break_even.h"

namespace jevons {

Result<BreakEven> break_even(const OwnMachine& machine, const Workload& workload,
                             Amount hosted_year) {
  const MachineYear year = machine_year(machine, workload);
  if (!year.missing.empty()) {
    std::string missing;
    for (const std::string& name : year.missing) missing += (missing.empty() ? "" : ", ") + name;
    return fail("what this machine costs is not known; missing: {}", missing);
  }
  constexpr int kMonths = 12;
  BreakEven result;
  result.hosted_per_month = hosted_year / kMonths;
  result.running_per_month = *year.energy_cost / kMonths;
  result.hardware = machine.hardware_price->value * *year.n_machines;
  const Amount saved_year = hosted_year - *year.energy_cost;
  if (saved_year > Amount(0)) {
    result.months = result.hardware * kMonths / saved_year;
    result.is_within_life = *result.months <= machine.life_years->value * kMonths;
  }
  return result;
}

}  // namespace jevons
