#include "api/engine_mailbox.h"

namespace jevons {

void EngineMailbox::put(EngineNote note, std::size_t n_bytes) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return;
  // Of progress only the last word counts.
  if (!notes_.empty() && std::holds_alternative<PromptProgress>(note.what) &&
      std::holds_alternative<PromptProgress>(notes_.back().what) &&
      notes_.back().choice == note.choice) {
    notes_.back() = std::move(note);
    return;
  }
  notes_.push_back(std::move(note));
  n_bytes_ += n_bytes;
  if (notes_.size() == 1) wake_();
}

CompletionSink EngineMailbox::sink(int choice, bool wants_progress, bool wants_logprobs) {
  using Clock = std::chrono::steady_clock;
  CompletionSink sink;
  sink.on_start = [self = shared_from_this(), choice](const CacheReport& report) {
    self->put({choice, Clock::now(), report}, 0);
  };
  if (wants_progress) {
    sink.on_prompt_progress = [self = shared_from_this(), choice](int n_done, int n_total) {
      self->put({choice, Clock::now(), PromptProgress{n_done, n_total}}, 0);
    };
  }
  sink.on_chunk = [self = shared_from_this(), choice,
                   wants_logprobs](const CompletionChunk& chunk) {
    CompletionChunk copy;
    copy.text = chunk.text;
    copy.ids = chunk.ids;
    if (wants_logprobs) {
      copy.logprobs = chunk.logprobs;
      copy.alternatives = chunk.alternatives;
    }
    self->put({choice, Clock::now(), std::move(copy)}, chunk.text.size() + sizeof(EngineNote));
  };
  sink.on_end = [self = shared_from_this(), choice](const Result<CompletionResult>& result) {
    self->put({choice, Clock::now(), result}, 0);
  };
  return sink;
}

void EngineMailbox::put_energy(const std::optional<EnergyUse>& energy) {
  put({0, std::chrono::steady_clock::now(), EnergyNote{energy}}, 0);
}

std::vector<EngineNote> EngineMailbox::take() {
  std::vector<EngineNote> notes;
  const std::lock_guard lock(mutex_);
  notes.swap(notes_);
  n_bytes_ = 0;
  return notes;
}

std::size_t EngineMailbox::n_bytes() {
  const std::lock_guard lock(mutex_);
  return n_bytes_;
}

void EngineMailbox::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  notes_.clear();
  wake_ = nullptr;
}

}  // namespace jevons
