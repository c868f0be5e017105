// A ledger with a million requests: how fast it is written, and how fast it answers.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "meter/ledger_report.h"

namespace jevons {
namespace {

constexpr int kRows = 1'000'000;
constexpr int kDays = 365;
constexpr std::int64_t kBegin = 1735689600;  // 2025-01-01

LedgerRow row_at(int i) {
  LedgerRow row;
  row.at_ms = (kBegin + std::int64_t{i} * kDays * 86400 / kRows) * 1000;
  row.key = "key" + std::to_string(i % 5);
  row.client = "client/" + std::to_string(i % 20);
  row.model = i % 100 == 0 ? "MiniMax-M2.7" : "MiniMax-M2.5";
  row.priority = i % 3 == 0 ? "background" : "interactive";
  row.tokens_in = 1000 + i % 5000;
  row.tokens_cached = 900;
  row.tokens_out = i % 700;
  row.queue_seconds = 0.1;
  row.read_seconds = 1;
  row.write_seconds = 9;
  row.joules = i % 3000;
  row.marginal_joules = i % 2000;
  row.cost = 1e-7 * (i % 3000);
  row.source = "rapl";
  row.confidence = "partial";
  row.currency = "EUR";
  row.stop = "stop";
  return row;
}

// A folder with the ledger, made once and removed at the end.
class MillionRows {
 public:
  MillionRows() {
    std::string name = (std::filesystem::temp_directory_path() / "jevons-ledger-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
    auto file = LedgerFile::open(path());
    constexpr int kBatch = 10'000;
    std::vector<LedgerRow> rows;
    rows.reserve(kBatch);
    for (int i = 0; file && i < kRows; ++i) {
      rows.push_back(row_at(i));
      if (rows.size() < kBatch) continue;
      if (!file->write(rows, TimeZone::local())) return;
      rows.clear();
    }
    is_good_ = file.has_value();
  }
  MillionRows(const MillionRows&) = delete;
  MillionRows& operator=(const MillionRows&) = delete;
  ~MillionRows() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string path() const { return folder_ / "ledger.db"; }
  [[nodiscard]] bool is_good() const { return is_good_; }

  static const MillionRows& get() {
    static const MillionRows rows;
    return rows;
  }

 private:
  std::filesystem::path folder_;
  bool is_good_ = false;
};

// As `jevons cost report` does it: opened, asked and closed. from rows: since a moment, not a day.
void report(benchmark::State& state, ReportBy by, bool from_rows) {
  if (!MillionRows::get().is_good()) return state.SkipWithError("the ledger cannot be made");
  ReportSince since;
  if (from_rows) since.at_ms = kBegin * 1000;
  for (auto _ : state) {
    auto file = LedgerFile::open_to_read(MillionRows::get().path());
    auto lines = ledger_report(*file, by, since, TimeZone::local());
    if (!lines || lines->empty()) return state.SkipWithError("no report");
    benchmark::DoNotOptimize(lines->front());
  }
}

BENCHMARK_CAPTURE(report, by_day, ReportBy::kDay, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(report, by_client, ReportBy::kClient, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(report, by_key_of_every_row, ReportBy::kKey, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(report, by_day_of_every_row, ReportBy::kDay, true)->Unit(benchmark::kMillisecond);

void write_rows(benchmark::State& state) {
  if (!MillionRows::get().is_good()) return state.SkipWithError("the ledger cannot be made");
  auto file = LedgerFile::open(MillionRows::get().path() + "-2");
  std::vector<LedgerRow> rows;
  rows.reserve(100);
  for (int i = 0; i < 100; ++i) rows.push_back(row_at(i * 1000));
  for (auto _ : state) {
    if (!file->write(rows, TimeZone::local())) return state.SkipWithError("cannot write");
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(write_rows)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace jevons

BENCHMARK_MAIN();
