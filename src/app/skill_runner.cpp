#include "app/skill_runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "text/m2_markers.h"
#include "text/output_parser.h"
#include "text/prompt.h"

namespace jevons {
namespace {

// Takes apart what the model writes, as it comes.
class TurnReader {
 public:
  TurnReader(const SkillCase& of, bool starts_in_reasoning)
      : parser_(of.request.tools, {.starts_in_reasoning = starts_in_reasoning,
                                   .call_id_prefix = "call_",
                                   .call_id_seed = of.request.messages.size()}) {
    turn_.message = new_assistant_message();
    turn_.closed_reasoning = !starts_in_reasoning;
  }

  void push(const std::string& text) {
    written_ += text;
    take(parser_.push(text));
  }

  [[nodiscard]] SkillTurn finish(const CompletionResult& result) {
    take(parser_.finish());
    turn_.closed_reasoning |= written_.contains(kThinkEnd);
    turn_.ended = result.stop_reason == StopReason::kEndOfTurn;
    turn_.n_reasoning_tokens = result.n_reasoning_tokens;
    return std::move(turn_);
  }

 private:
  void take(const std::vector<OutputEvent>& events) {
    for (const OutputEvent& event : events) {
      append_event(turn_.message, event);
      if (const auto* end = std::get_if<ToolCallEnd>(&event)) turn_.has_cut_call |= !end->complete;
      if (const auto* warning = std::get_if<OutputWarning>(&event)) {
        turn_.warnings.push_back(warning->message);
      }
    }
  }

  OutputParser parser_;
  SkillTurn turn_;
  std::string written_;
};

// The same for the same id, whatever other cases there are.
std::uint64_t number_of(const std::string& id) {
  return std::accumulate(id.begin(), id.end(), std::uint64_t{0}, [](std::uint64_t sum, char c) {
    return sum * 131 + static_cast<unsigned char>(c);
  });
}

class Asker {
 public:
  Asker(Engine& engine, std::span<const SkillCase> cases, const SkillRunOptions& options,
        const std::function<void(int n_done)>& progress, const std::stop_token& cancel)
      : engine_(engine), cases_(cases), options_(options), progress_(progress), cancel_(cancel) {
    run_.turns.resize(cases.size());
  }

  // Called by each of the threads that ask.
  void ask() {
    while (!cancel_.stop_requested()) {
      const std::size_t index = next_++;
      if (index >= cases_.size()) return;
      Result<void> done = answer(index);
      const std::lock_guard lock(mutex_);
      if (!done) {
        next_ = cases_.size();
        if (cancel_.stop_requested() || run_.error) return;
        run_.error = Error{fmt::format("case {}: {}", cases_[index].id, done.error().message)};
        return;
      }
      ++n_done_;
      if (progress_) progress_(n_done_);
    }
  }

  [[nodiscard]] SkillRun take() { return std::move(run_); }

 private:
  Result<void> answer(std::size_t index) {
    const SkillCase& one = cases_[index];
    JEVONS_ASSIGN(const std::vector<PromptPiece> pieces,
                  render_prompt(one.request, engine_.prompt_format()));
    CompletionRequest request;
    request.prompt = engine_.tokenizer().encode(pieces);
    request.starts_in_reasoning = prompt_ends_in_reasoning(prompt_text(pieces));
    request.max_tokens = options_.max_tokens;
    request.sampling = engine_.default_sampling();
    if (!options_.sampled) request.sampling.temperature = 0;
    request.sampling.seed = options_.seed ^ number_of(one.id);
    TurnReader reader(one, request.starts_in_reasoning);
    CompletionSink sink;
    sink.on_chunk = [&](const CompletionChunk& chunk) { reader.push(chunk.text); };
    JEVONS_ASSIGN(const CompletionResult result,
                  engine_.complete(std::move(request), sink, cancel_));
    if (result.stop_reason == StopReason::kCancelled) return fail("stopped");
    const std::lock_guard lock(mutex_);
    run_.turns[index] = reader.finish(result);
    run_.n_prompt_tokens += result.n_prompt_tokens;
    run_.n_cached_tokens += result.n_cached_tokens;
    run_.n_generated_tokens += result.n_generated_tokens;
    return {};
  }

  Engine& engine_;
  std::span<const SkillCase> cases_;
  const SkillRunOptions& options_;
  const std::function<void(int n_done)>& progress_;
  const std::stop_token& cancel_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // of what follows
  SkillRun run_;
  int n_done_ = 0;
};

}  // namespace

SkillRun run_skills(Engine& engine, std::span<const SkillCase> cases,
                    const SkillRunOptions& options, const std::function<void(int n_done)>& progress,
                    const std::stop_token& cancel) {
  const auto began = std::chrono::steady_clock::now();
  Asker asker(engine, cases, options, progress, cancel);
  {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(options.n_parallel));
    for (int i = 0; i < options.n_parallel; ++i) threads.emplace_back([&] { asker.ask(); });
  }
  SkillRun run = asker.take();
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return run;
}

}  // namespace jevons
