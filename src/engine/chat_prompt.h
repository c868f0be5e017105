// From a conversation to the tokens of its prompt, so that a conversation that goes on is read on
// token for token where the last answer ended.
//
// Re-tokenising an answer can give other tokens than the model wrote. So the ids of answers that
// called tools are kept with what they said, and spliced in when a client sends the answer back. A
// client that drops the reasoning of such an answer gets our copy put back. Only what this scope
// was answered is ever put back, and only where name and arguments of the calls agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace jevons {

struct ChatPrompt {
  std::vector<std::int32_t> ids;
  bool ends_in_reasoning = true;
  std::string opening;              // what stands between the last ]~b]ai\n and the answer
  std::vector<int> message_begins;  // index of the first token of each message
  int n_system_tokens = 0;          // system text and tools together: the prefix of every turn
  int n_spliced_turns = 0;
  int n_restored_reasonings = 0;
};

/// The answers of late, bounded by bytes; the oldest go first. Any thread.
class TurnStore {
 public:
  explicit TurnStore(std::size_t max_bytes = std::size_t{64} << 20);
  ~TurnStore();
  TurnStore(const TurnStore&) = delete;
  TurnStore& operator=(const TurnStore&) = delete;

  /// `answer` as it was delivered, `opening` of its prompt, `ids` as sampled.
  void remember(std::string_view scope, const Message& answer, std::string_view opening,
                std::span<const std::int32_t> ids);

  struct Turn {
    std::string opening;
    std::string reasoning;
    std::vector<std::int32_t> ids;
  };
  /// The turn that a message of a client repeats. Ids of calls are compared by their letters and
  /// digits alone (clients drop other signs); reasoning that was given must agree.
  [[nodiscard]] std::shared_ptr<const Turn> find(std::string_view scope,
                                                 const Message& message) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Fails as render_prompt does.
[[nodiscard]] Result<ChatPrompt> chat_prompt(const ChatRequest& request, const PromptFormat& format,
                                             const PromptOptions& options,
                                             const Tokenizer& tokenizer, const TurnStore& turns,
                                             std::string_view scope);

}  // namespace jevons
