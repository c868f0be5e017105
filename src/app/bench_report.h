// The figures of `jevons bench` as a table and as JSON. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "convert/throughput.h"
#include "weights/model_summary.h"

namespace jevons {

/// "pp512 @ 4096", "tg128 x 4"
[[nodiscard]] std::string test_name(const SpeedTest& test);

struct BenchReport {
  std::string model;
  std::string kernels;
  std::string kv_type;
  std::uint64_t weight_bytes_per_token = 0;
  std::uint64_t kv_bytes_per_token = 0;
  int n_experts_per_token = 0;        // of all layers together
  double prompt_multiplications = 0;  // weights that a token of a prompt is multiplied with
  /// What this machine can do with some threads: bytes per second, and multiplications and
  /// additions of 8-bit integers per second.
  struct Machine {
    double large_pages = 0, small_pages = 0;
    double mapped = 0;  // 0 if the weights are not mapped
    double int8_peak = 0;
  };
  std::map<int, Machine> machine;  // by number of threads
  std::vector<SpeedFigure> figures;
  bool has_breakdown = false;
  StageBytes stage_bytes{};

  /// With what the file says; kv_type: "f16" or "q8_0".
  [[nodiscard]] static BenchReport of(const ModelSummary& summary, const std::string& kv_type);

  /// Read for one generated token of a test, keys and values in the middle of it included. Of
  /// several sequences side by side each reads its own keys and values, and all together read the
  /// weights once, of the experts those that any of them chose in the run.
  [[nodiscard]] double bytes_per_token(const SpeedFigure& figure) const;
  /// Of the memory bandwidth for generation, of the int8 peak for prompts, both as measured around
  /// this test; 0 if not measured.
  [[nodiscard]] double ratio_to_limit(const SpeedFigure& figure) const;

  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;

 private:
  [[nodiscard]] double kv_bytes(const SpeedTest& test) const;
  [[nodiscard]] std::string breakdown_text(const SpeedFigure& figure, int columns) const;
};

}  // namespace jevons
