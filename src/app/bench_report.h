// The figures of `jevons bench` as a table and as JSON. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "convert/throughput.h"
#include "weights/model_summary.h"

namespace jevons {

struct BenchReport {
  std::string model;
  std::string kernels;
  std::string kv_type;
  std::uint64_t weight_bytes_per_token = 0;
  std::uint64_t kv_bytes_per_token = 0;
  std::uint64_t active_parameters = 0;
  std::map<int, double> bandwidth;  // bytes per second, by number of threads
  std::map<int, double> int8_peak;  // multiplications and additions per second, likewise
  std::vector<SpeedFigure> figures;
  bool has_breakdown = false;
  StageBytes stage_bytes{};

  /// Read for one generated token of a test, keys and values in the middle of it included.
  [[nodiscard]] double bytes_per_token(const SpeedTest& test) const;
  /// Of the memory bandwidth for generation, of the int8 peak for prompts; 0 if not measured.
  [[nodiscard]] double ratio_to_limit(const SpeedFigure& figure) const;

  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;

 private:
  [[nodiscard]] std::string breakdown_text(const SpeedFigure& figure, int columns) const;
};

}  // namespace jevons
