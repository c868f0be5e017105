// What a model may write next, as a set of token ids: JSON that a schema accepts, or tool calls in
// the M2 format. Made once for an answer from compiled, shareable parts; then advanced token by
// token by the engine.
//
// A constraint speaks of the answer after its reasoning: the engine begins to use it after the
// token </think> (at once if the prompt does not end inside reasoning).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"
#include "text/tokenizer.h"

namespace jevons {

/// One answer's constraint; one thread at a time.
class OutputConstraint {
 public:
  virtual ~OutputConstraint() = default;

  /// Whether any token but the ones allowed would be wrong now. False: everything may come (free
  /// text before a tool call), and fill_mask() need not be called.
  [[nodiscard]] virtual bool is_active() const = 0;

  /// Sets bit `id % 64` of word `id / 64` for each token that may come next, clears all others.
  /// mask: [ceil(n_tokens / 64)]. The end-of-turn token is among them where the answer is complete.
  virtual void fill_mask(std::span<std::uint64_t> mask) = 0;

  /// Takes the token that was sampled. False if it was not allowed (the constraint is then over).
  [[nodiscard]] virtual bool accept(std::int32_t id) = 0;

  /// Whether the answer may end here.
  [[nodiscard]] virtual bool may_end() const = 0;
};

/// What of a schema could not be held. One for each place.
struct DroppedKeyword {
  std::string path;     // "properties.name.pattern"
  std::string keyword;  // "pattern"
  std::string reason;
};

enum class Unsupported : std::uint8_t {
  kRefuse,  // strict: an error that names keyword and path
  kDrop,    // leave the keyword out and report it
};

struct ConstraintReport {
  std::vector<DroppedKeyword> dropped;
};

/// Compiles constraints for one vocabulary and keeps what they share (the vocabulary as a trie,
/// masks already computed, schemas already compiled). Any thread; outlives its constraints.
class ConstraintCompiler {
 public:
  /// `tokenizer` must outlive the compiler.
  explicit ConstraintCompiler(const Tokenizer& tokenizer);
  ~ConstraintCompiler();
  ConstraintCompiler(const ConstraintCompiler&) = delete;
  ConstraintCompiler& operator=(const ConstraintCompiler&) = delete;

  /// JSON that `schema_json` accepts, then the end. Errors: not a JSON schema; with kRefuse, a
  /// keyword that is not supported, by name and path; a schema that nothing satisfies; `stop` was
  /// requested, here and below.
  [[nodiscard]] Result<std::unique_ptr<OutputConstraint>> json_schema(
      std::string_view schema_json, Unsupported unsupported, ConstraintReport& report,
      const std::stop_token& stop = {});

  /// Any JSON object.
  [[nodiscard]] std::unique_ptr<OutputConstraint> json_object();

  struct ToolRules {
    /// True: at least one call and no text before it. False: text first, and calls if the model
    /// begins one; from <minimax:tool_call> on everything is held to the format and the schemas.
    bool must_call = false;
    /// Before a call that must come: those after </think> and the block's own. 1 if the prompt
    /// ends behind </think> already, as more would be text.
    int max_line_breaks = 3;
    std::string only;      // name of the one tool that may be called; empty: any
    bool parallel = true;  // more than one call
  };
  /// Calls of `tools` in the M2 format (text/output_parser.h), arguments held to their schemas.
  /// Unsupported keywords are dropped and reported. Errors: `only` is not among the tools.
  [[nodiscard]] Result<std::unique_ptr<OutputConstraint>> tool_calls(
      std::span<const ToolDefinition> tools, const ToolRules& rules, ConstraintReport& report,
      const std::stop_token& stop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jevons
