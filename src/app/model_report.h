// What `jevons inspect` says about a model file, as text and as JSON. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/memory_info.h"
#include "base/vocabulary.h"
#include "text/prompt_format.h"
#include "weights/model_summary.h"

namespace jevons {

struct ModelReport {
  std::string path;
  ModelSummary summary;
  struct SpecialToken {
    int id;
    std::string text;
    std::string kind;  // "control", "user-defined"
    std::string role;  // "end of turn", "" if none
  };
  std::vector<SpecialToken> special_tokens;
  int n_unused_tokens = 0;
  std::string vocabulary_problem;  // why the tokens cannot be read; empty if they can
  PromptFormat format;
  Vocabulary::SamplingDefaults sampling;
  MemoryInfo memory{};
  std::uint64_t scratch_bytes = 0;
  int planned_context = 0;     // with q8_0 keys and values; 0: none fits
  std::string memory_problem;  // why; empty if one fits

  /// Counts everything. Fails only if the file cannot be opened as GGUF.
  [[nodiscard]] static Result<ModelReport> of(const std::string& path);

  /// Fitted to `columns` where it can be.
  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;
};

}  // namespace jevons
