#include "meter/nvml_sensor.h"

#include <dlfcn.h>

#include <utility>
#include <vector>

namespace jevons {
namespace {

constexpr double kMilli = 1e-3;
constexpr int kPeriodMs = 100;

// The part of the library that is used, with the types of its header (0 is success).
struct Library {
  using Device = void*;
  struct Closer {
    void operator()(void* library) const { ::dlclose(library); }
  };
  std::unique_ptr<void, Closer> handle;
  int (*init)() = nullptr;
  int (*shut_down)() = nullptr;
  const char* (*error_text)(int) = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*device_at)(unsigned, Device*) = nullptr;
  int (*energy_mj)(Device, unsigned long long*) = nullptr;
  int (*power_mw)(Device, unsigned*) = nullptr;

  template <typename Function>
  Result<void> find(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(::dlsym(handle.get(), name));
    if (function == nullptr) return fail("NVML has no {}", name);
    return {};
  }
  Result<void> find_all() {
    JEVONS_TRY(find("nvmlInit_v2", init));
    JEVONS_TRY(find("nvmlShutdown", shut_down));
    JEVONS_TRY(find("nvmlErrorString", error_text));
    JEVONS_TRY(find("nvmlDeviceGetCount_v2", count));
    JEVONS_TRY(find("nvmlDeviceGetHandleByIndex_v2", device_at));
    JEVONS_TRY(find("nvmlDeviceGetTotalEnergyConsumption", energy_mj));
    return find("nvmlDeviceGetPowerUsage", power_mw);
  }
  Result<void> check(int code, const char* what) const {
    if (code == 0) return {};
    return fail("NVML: {}: {}", what, error_text(code));
  }
};

class NvmlSensor final : public EnergySensor {
 public:
  explicit NvmlSensor(Library library) : library_(std::move(library)) {}
  ~NvmlSensor() override { library_.shut_down(); }

  Result<void> find_cards() {
    unsigned n = 0;
    JEVONS_TRY(library_.check(library_.count(&n), "counting the cards"));
    if (n == 0) return fail("NVML: there is no card");
    for (unsigned i = 0; i < n; ++i) {
      Library::Device device = nullptr;
      JEVONS_TRY(library_.check(library_.device_at(i, &device), "opening a card"));
      unsigned long long mj = 0;
      if (library_.energy_mj(device, &mj) != 0) counts_energy_ = false;
      devices_.push_back(device);
    }
    facts_.what = n == 1 ? "NVML, 1 card" : fmt::format("NVML, {} cards", n);
    return {};
  }

  const SensorFacts& facts() const override { return facts_; }
  Result<EnergyReading> read() override {
    double sum = 0;
    for (Library::Device device : devices_) {
      unsigned long long mj = 0;
      unsigned mw = 0;
      const int code =
          counts_energy_ ? library_.energy_mj(device, &mj) : library_.power_mw(device, &mw);
      JEVONS_TRY(library_.check(code, "reading a card"));
      sum += kMilli * (counts_energy_ ? static_cast<double>(mj) : static_cast<double>(mw));
    }
    if (!counts_energy_) return checked_watts(sum, "NVML");
    if (sum < last_joules_) {
      const double before = std::exchange(last_joules_, sum);
      return fail("NVML: the energy fell from {} to {} J", before, sum);
    }
    last_joules_ = sum;
    return EnergyReading{std::chrono::steady_clock::now(), EnergyReading::Quantity::kJoules, sum};
  }

 private:
  Library library_;
  std::vector<Library::Device> devices_;
  bool counts_energy_ = true;
  double last_joules_ = 0;
  SensorFacts facts_{"nvml", "NVML", EnergyCoverage::kPart, kPeriodMs};
};

}  // namespace

Result<std::unique_ptr<EnergySensor>> open_nvml(const std::string& library) {
  Library opened;
  opened.handle.reset(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!opened.handle) {
    const char* why = ::dlerror();
    return fail("{} (no NVIDIA driver)", why != nullptr ? why : library + " cannot be loaded");
  }
  JEVONS_TRY(opened.find_all());
  JEVONS_TRY(opened.check(opened.init(), "starting"));
  auto sensor = std::make_unique<NvmlSensor>(std::move(opened));
  JEVONS_TRY(sensor->find_cards());
  JEVONS_TRY(sensor->read());
  return sensor;
}

}  // namespace jevons
