// The answers given of late, as they were sampled: so that a conversation that comes back can go on
// token for token where its last answer ended (engine/chat_prompt.h).
//
// An answer is found again by what a client repeats of it: its text but for whitespace at its ends,
// and for each call the letters and digits of its id, its name, and its arguments as a JSON value.
// All of that must agree, and so must the reasoning if the client sent any. An answer without
// calls, which has no id of its own, is found only with its reasoning.
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

namespace jevons {

/// Bounded by bytes; the answers that were not asked for longest go first. Any thread.
class TurnStore {
 public:
  explicit TurnStore(std::size_t max_bytes = std::size_t{64} << 20);
  ~TurnStore();
  TurnStore(const TurnStore&) = delete;
  TurnStore& operator=(const TurnStore&) = delete;

  /// `answer` as it was delivered, `opening` of its prompt, `ids` as sampled, without the end of
  /// turn. Only for an answer that the model ended itself: what was cut short is better rendered
  /// again. Of equal answers the last is kept.
  void remember(std::string_view scope, const Message& answer, std::string_view opening,
                std::span<const std::int32_t> ids);

  struct Turn {
    std::string opening;
    std::string reasoning;
    std::vector<std::int32_t> ids;
  };
  /// The turn that a message of a client repeats; null if there is none. Never one of another
  /// scope.
  [[nodiscard]] std::shared_ptr<const Turn> find(std::string_view scope,
                                                 const Message& message) const;

  /// From now on answers are kept in `path`, too, and those that it has are known: see
  /// engine/turn_file.h. Call it before the first answer. `fingerprint`: of the model, because ids
  /// mean nothing to another. Errors: the file cannot be made or read.
  [[nodiscard]] Result<void> keep_in(const std::string& path, std::string_view fingerprint);
  /// Waits until all that was remembered is written, `timeout_ms` at most.
  void flush(double timeout_ms);

  /// Of all that is kept, keys and an estimate of the bookkeeping included.
  [[nodiscard]] std::size_t n_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jevons
