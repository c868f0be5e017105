// What the engine says of the completions of one request, on its way from the engine's thread to
// the thread that writes the response.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "meter/energy_meter.h"

namespace jevons {

struct PromptProgress {
  int n_done, n_total;
};

/// Of the whole request; its choice is 0. Absent: not known.
struct EnergyNote {
  std::optional<EnergyUse> energy;
};

struct EngineNote {
  int choice;
  std::chrono::steady_clock::time_point at;
  std::variant<CacheReport, PromptProgress, CompletionChunk, Result<CompletionResult>, EnergyNote>
      what;
};

/// Any thread. Held by the sinks that it makes and by its reader.
class EngineMailbox : public std::enable_shared_from_this<EngineMailbox> {
 public:
  /// `wake` is called, on the engine's or the meter's thread, when the first note lies in an empty
  /// mailbox.
  explicit EngineMailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  [[nodiscard]] CompletionSink sink(int choice, bool wants_progress, bool wants_logprobs);

  /// The meter's last word on the request.
  void put_energy(const std::optional<EnergyUse>& energy);

  /// Empties the mailbox, in the order of arrival.
  [[nodiscard]] std::vector<EngineNote> take();
  /// Bytes of text that lie there unread.
  [[nodiscard]] std::size_t n_bytes();
  /// Nobody reads any more: notes are dropped, nobody is woken.
  void close();

 private:
  void put(EngineNote note, std::size_t n_bytes);

  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<EngineNote> notes_;
  std::size_t n_bytes_ = 0;
  bool is_closed_ = false;
};

}  // namespace jevons
