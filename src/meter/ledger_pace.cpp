#include "meter/ledger_pace.h"

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

constexpr const char* kPace = R"(
SELECT model, count(*), sum(tokens_in - tokens_cached), sum(tokens_out), sum(read_s), sum(write_s),
  count(microjoules), sum(microjoules),
  total(CASE WHEN microjoules IS NOT NULL THEN read_s + write_s END)
FROM requests WHERE at_ms >= ?1 GROUP BY model ORDER BY sum(tokens_out) DESC, model)";

constexpr const char* kSources = R"(
SELECT DISTINCT source, confidence FROM requests
WHERE at_ms >= ?1 AND model = ?2 AND microjoules IS NOT NULL ORDER BY source, confidence)";

std::optional<double> rate(double amount, double seconds) {
  if (seconds < ModelPace::kLeastSeconds || amount <= 0) return std::nullopt;
  return amount / seconds;
}

Result<std::string> sources_of(LedgerFile& file, std::int64_t since_ms, const std::string& model) {
  JEVONS_ASSIGN(Statement query, file.database().prepare(kSources));
  query.bind(1, since_ms).bind(2, std::string_view(model));
  std::string sources;
  for (;;) {
    JEVONS_ASSIGN(const bool has_row, query.step());
    if (!has_row) return sources;
    const std::string source = query.text(0), confidence = query.text(1);
    if (!sources.empty()) sources += ", ";
    sources += source == confidence ? source : fmt::format("{} ({})", source, confidence);
  }
}

}  // namespace

std::optional<double> ModelPace::read_per_second() const {
  return rate(static_cast<double>(tokens_read), read_seconds);
}
std::optional<double> ModelPace::written_per_second() const {
  return rate(static_cast<double>(tokens_written), write_seconds);
}
std::optional<double> ModelPace::watts() const { return rate(joules, measured_seconds); }

Result<std::vector<ModelPace>> pace_by_model(LedgerFile& file, std::int64_t since_ms) {
  JEVONS_ASSIGN(Statement query, file.database().prepare(kPace));
  query.bind(1, since_ms);
  std::vector<ModelPace> paces;
  for (;;) {
    JEVONS_ASSIGN(const bool has_row, query.step());
    if (!has_row) break;
    ModelPace& pace = paces.emplace_back();
    pace.model = query.text(0);
    pace.n_requests = static_cast<std::uint64_t>(query.integer(1));
    pace.tokens_read = query.integer(2);
    pace.tokens_written = query.integer(3);
    pace.read_seconds = query.real(4);
    pace.write_seconds = query.real(5);
    pace.n_measured = static_cast<std::uint64_t>(query.integer(6));
    pace.joules = query.real(7) / kMicroPerJoule;
    pace.measured_seconds = query.real(8);
  }
  for (ModelPace& pace : paces) {
    JEVONS_ASSIGN(pace.sources, sources_of(file, since_ms, pace.model));
  }
  return paces;
}

}  // namespace jevons
