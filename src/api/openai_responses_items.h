// The output items of a response, and how the arguments of a custom tool become its input while
// they arrive. Plain data and pure functions; a CustomInputReader belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/generation.h"
#include "text/json_value.h"

namespace jevons {

struct ResponsesItem {
  enum class Kind : std::uint8_t { kReasoning, kMessage, kFunctionCall, kCustomCall };
  Kind kind;
  std::string id;
  const char* status = "in_progress";
  std::string text{};  // reasoning or text; of calls the arguments or the input
  std::string call_id{}, name{}, name_space{};  // calls
  std::string logprobs{};                       // of a message's text: objects between commas
};

/// How reasoning is told: as a summary or as its content, and besides as encrypted_content.
struct ReasoningStyle {
  bool summarised = false;
  bool encoded = false;
};

/// The item as JSON. While it is in progress it has no text yet: that comes in deltas.
[[nodiscard]] std::string item_json(const ResponsesItem& item, const ReasoningStyle& style);

/// The one part of a reasoning or a message, with `text`.
[[nodiscard]] std::string part_json(const ResponsesItem& item, std::string_view text,
                                    const ReasoningStyle& style);

/// One token of `logprobs`.
[[nodiscard]] std::string logprob_json(const ChoiceOutput::Token& token);

/// Those of `tokens` that `text`, the beginning of a message, is made of: before them may come the
/// marker that ended the reasoning and the line ends behind it.
[[nodiscard]] std::span<const ChoiceOutput::Token> tokens_of_text(
    std::span<const ChoiceOutput::Token> tokens, std::string_view text);

/// Appends to a list of JSON texts between commas.
void add_to_list(std::string& list, std::string_view entry);

/// Items of a request as they are kept: with a type, an id and a list of parts, as the routes of
/// stored responses show them. `id`: of the response.
[[nodiscard]] std::string stored_items_json(const std::vector<JsonValue>& earlier,
                                            const std::vector<JsonValue>& items,
                                            std::string_view id);

/// Reads {"input": "..."} piece by piece.
class CustomInputReader {
 public:
  /// The part of the input that this fragment adds, as far as it is certain.
  [[nodiscard]] std::string push(std::string_view fragment);
  /// The rest. input() is then whole.
  [[nodiscard]] std::string finish();
  [[nodiscard]] const std::string& input() const { return input_; }

 private:
  bool skip_to_value();
  void decode_value();

  std::string json_;
  std::size_t at_ = 0;
  bool is_inside_ = false, is_over_ = false;
  std::string input_;
};

}  // namespace jevons
