#include "api/generation_stream.h"

#include <algorithm>
#include <random>
#include <utility>

#include "api/cache_break.h"
#include "api/error_response.h"
#include "base/check.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

// Of an answer that waits for a client that reads slowly. A client that reads nothing at all is
// cut off sooner, by the time limit of writing.
constexpr std::size_t kMostUnreadBytes = std::size_t{16} << 20;

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

GenerationStream::GenerationStream(GenerationStreamParts parts) : parts_(std::move(parts)) {
  warnings_ = parts_.plan.warnings;
}

GenerationStream::~GenerationStream() {
  if (!is_over_) note_left();
  parts_.mailbox->close();
  cancel_all();
}

void GenerationStream::add(CompletionId id, bool starts_in_reasoning) {
  Choice& choice = choices_.emplace_back();
  choice.id = id;
  choice.answer = new_assistant_message();
  if (!parts_.plan.is_chat) return;
  OutputParserOptions options;
  options.starts_in_reasoning = starts_in_reasoning;
  options.parse_tool_calls = parts_.plan.parses_tool_calls;
  options.call_id_prefix = parts_.plan.call_id_prefix;
  options.call_id_seed = random_seed();
  choice.parser.emplace(parts_.plan.tools, std::move(options));
}

void GenerationStream::cancel_all() {
  for (const Choice& choice : choices_) {
    if (!choice.has_ended) parts_.engine->cancel(choice.id);
  }
}

const GenerationPlan::Prompt& GenerationStream::prompt_of(int index) const {
  return parts_.plan.prompts[static_cast<std::size_t>(index / parts_.plan.n_per_prompt)];
}

HttpResponse generation_head(bool is_streamed, const std::string& thinking) {
  HttpResponse head;
  if (is_streamed) {
    head.content_type = "text/event-stream; charset=utf-8";
    head.headers.emplace_back("cache-control", "no-cache, no-transform");
    head.headers.emplace_back("x-accel-buffering", "no");  // reverse proxies pass pieces on
  }
  if (!thinking.empty()) head.headers.emplace_back("x-jevons-thinking", thinking);
  return head;
}

HttpResponse GenerationStream::head() const {
  return generation_head(is_streamed(), parts_.plan.thinking);
}

std::string GenerationStream::take() {
  std::string bytes;
  if (is_over_) return bytes;
  if (parts_.mailbox->n_bytes() > kMostUnreadBytes) {
    return fail(
        {.kind = ApiErrorKind::kInternal, .message = "the answer came faster than it was read"});
  }
  for (const EngineNote& note : parts_.mailbox->take()) {
    if (is_over_) break;
    bytes += on_note(note);
  }
  if (is_abandoned_ && !is_over_) {
    bytes += fail(stopping_error());
  }
  return bytes;
}

std::string GenerationStream::on_note(const EngineNote& note) {
  if (const auto* cache = std::get_if<CacheReport>(&note.what))
    return on_start(note.choice, *cache);
  if (const auto* progress = std::get_if<PromptProgress>(&note.what)) {
    return on_progress(note.choice, *progress);
  }
  if (const auto* chunk = std::get_if<CompletionChunk>(&note.what)) {
    return on_chunk(note.choice, *chunk, note.at);
  }
  if (const auto* energy = std::get_if<EnergyNote>(&note.what)) return on_energy(energy->energy);
  return on_end(note.choice, std::get<Result<CompletionResult>>(note.what));
}

std::string GenerationStream::ensure_started(const CacheReport& report) {
  if (has_started_) return "";
  has_started_ = true;
  prompt_began_ = Clock::now();
  Started started;
  for (const auto& prompt : parts_.plan.prompts) {
    started.n_prompt_tokens += prompt.n_tokens;
    started.prompt_text += prompt.text;
  }
  started.n_cached_tokens = report.n_cached_tokens;
  parts_.record->n_cached_tokens = report.n_cached_tokens;
  return parts_.writer->start(started);
}

std::string GenerationStream::on_start(int index, const CacheReport& report) {
  choices_[static_cast<std::size_t>(index)].cache = report;
  return ensure_started(report);
}

std::string GenerationStream::on_progress(int index, const PromptProgress& progress) {
  if (index != 0 || !parts_.plan.wants_progress || !has_started_) return "";
  const auto& cache = choices_.front().cache;
  Progress shown;
  shown.n_done = progress.n_done;
  shown.n_total = progress.n_total;
  shown.n_cached = cache ? cache->n_cached_tokens : 0;
  shown.elapsed_ms = Milliseconds(Clock::now() - *prompt_began_).count();
  const int n_computed = progress.n_done - shown.n_cached;
  if (n_computed > 0) {
    shown.eta_s = shown.elapsed_ms / 1000 * (progress.n_total - progress.n_done) / n_computed;
  }
  return parts_.writer->progress(shown);
}

void GenerationStream::add_tokens(Choice& choice, const CompletionChunk& chunk) const {
  if (!parts_.plan.wants_logprobs) return;
  const Tokenizer& tokenizer = parts_.engine->tokenizer();
  for (std::size_t i = 0; i < chunk.logprobs.size(); ++i) {
    ChoiceOutput::Token token;
    token.bytes = std::string(tokenizer.token_bytes(chunk.logprobs[i].id));
    token.logprob = chunk.logprobs[i].logprob;
    if (i < chunk.alternatives.size()) {
      for (const TokenLogprob& other : chunk.alternatives[i]) {
        token.alternatives.emplace_back(std::string(tokenizer.token_bytes(other.id)),
                                        other.logprob);
      }
    }
    choice.tokens.push_back(std::move(token));
  }
}

void GenerationStream::note_times(Choice& choice, std::size_t n_tokens, Clock::time_point at) {
  RequestRecord& record = *parts_.record;
  if (!record.first_token_ms) record.first_token_ms = Milliseconds(at - record.received).count();
  if (choice.last_token_at && n_tokens > 0) {
    const double gap_ms =
        Milliseconds(at - *choice.last_token_at).count() / static_cast<double>(n_tokens);
    record.token_gaps_ms.insert(record.token_gaps_ms.end(), n_tokens, gap_ms);
  }
  choice.last_token_at = at;
}

std::string GenerationStream::on_chunk(int index, const CompletionChunk& chunk,
                                       Clock::time_point at) {
  Choice& choice = choices_[static_cast<std::size_t>(index)];
  note_times(choice, chunk.ids.size(), at);
  parts_.record->n_answer_tokens += static_cast<int>(chunk.ids.size());
  add_tokens(choice, chunk);
  choice.has_output = true;
  if (parts_.plan.prompt_only) return "";
  if (parts_.keeps_text) parts_.record->answer_text += chunk.text;
  if (choice.parser) return write_events(index, choice.parser->push(chunk.text));
  std::vector<OutputEvent> events;
  if (!chunk.text.empty()) events.emplace_back(TextDelta{chunk.text});
  return write_events(index, std::move(events));
}

std::string GenerationStream::write_events(int index, std::vector<OutputEvent> events) {
  Choice& choice = choices_[static_cast<std::size_t>(index)];
  std::string bytes;
  for (OutputEvent& event : events) {
    append_event(choice.answer, event);
    if (const auto* warning = std::get_if<OutputWarning>(&event)) {
      warnings_.push_back(warning->message);
    }
    ChoiceOutput output{index, std::move(event), std::move(choice.tokens)};
    choice.tokens.clear();
    bytes += parts_.writer->output(output);
  }
  return bytes;
}

std::string GenerationStream::on_end(int index, const Result<CompletionResult>& result) {
  Choice& choice = choices_[static_cast<std::size_t>(index)];
  choice.has_ended = true;
  if (!result) {
    return fail({.kind = ApiErrorKind::kInternal, .message = result.error().message});
  }
  if (!choice.cache) choice.cache = result->cache;
  note_phases(result->queue_ms, result->prompt_ms, result->generation_ms);
  if (result->stop_reason == StopReason::kCancelled) {
    return fail(stopping_error());
  }
  if (result->stop_reason == StopReason::kDeadline && !choice.has_output) {
    return fail({.kind = ApiErrorKind::kDeadline,
                 .message = "the deadline of the request passed before its answer began"});
  }
  std::string bytes = ensure_started(*choice.cache);
  bytes += end_choice(index, *result);
  if (std::all_of(choices_.begin(), choices_.end(), [](const Choice& c) { return c.has_ended; })) {
    if (parts_.books && parts_.books->has_energy()) {
      // The answer is with the client; what it took is known in a moment.
      parts_.books->settle(parts_.record->completions,
                           [mailbox = parts_.mailbox](const std::optional<EnergyUse>& energy) {
                             mailbox->put_energy(energy);
                           });
    } else {
      bytes += finish();
    }
  }
  return bytes;
}

std::string GenerationStream::on_energy(const std::optional<EnergyUse>& energy) {
  parts_.record->energy = energy;
  parts_.record->is_settled = true;
  return finish();
}

// Of several answers the longest.
void GenerationStream::note_phases(double queue_ms, double prompt_ms, double generation_ms) {
  RequestRecord& record = *parts_.record;
  record.queue_ms = std::max(record.queue_ms, queue_ms);
  record.prompt_ms = std::max(record.prompt_ms, prompt_ms);
  record.generation_ms = std::max(record.generation_ms, generation_ms);
}

// No results come any more; what the notes so far say of the phases has to do.
void GenerationStream::note_left() {
  RequestRecord& record = *parts_.record;
  record.stop_reason = "left";
  const double now_ms = Milliseconds(Clock::now() - record.received).count();
  if (!prompt_began_) return note_phases(now_ms, 0, 0);
  const double queue_ms = Milliseconds(*prompt_began_ - record.received).count();
  const double read_until_ms = record.first_token_ms.value_or(now_ms);
  note_phases(queue_ms, read_until_ms - queue_ms, now_ms - read_until_ms);
}

std::string GenerationStream::end_choice(int index, const CompletionResult& result) {
  Choice& choice = choices_[static_cast<std::size_t>(index)];
  choice.result = result;
  std::string bytes;
  if (choice.parser && !parts_.plan.prompt_only) {
    bytes += write_events(index, choice.parser->finish());
  }
  if (!choice.tokens.empty()) {
    std::vector<OutputEvent> rest;
    rest.emplace_back(TextDelta{});
    bytes += write_events(index, std::move(rest));
  }
  if (parts_.plan.is_chat && result.stop_reason == StopReason::kEndOfTurn) {
    parts_.engine->turns().remember(parts_.caller.cache_scope, choice.answer,
                                    prompt_of(index).opening, result.ids);
  }
  ChoiceEnd end;
  end.choice = index;
  end.reason = result.stop_reason;
  end.stop_string = result.stop_string;
  end.has_tool_calls = !choice.answer.tool_calls.empty();
  end.usage = usage_of(index);
  if (parts_.record->stop_reason.empty()) {
    parts_.record->stop_reason =
        end.has_tool_calls ? "tool_calls" : stop_reason_name(result.stop_reason);
  }
  return bytes + parts_.writer->end_choice(end);
}

Usage GenerationStream::usage_of(int index) const {
  const Choice& choice = choices_[static_cast<std::size_t>(index)];
  Usage usage;
  usage.prompt_tokens = prompt_of(index).n_tokens;
  usage.cached_tokens = choice.cache ? choice.cache->n_cached_tokens : 0;
  usage.written_tokens = usage.prompt_tokens - usage.cached_tokens;
  if (choice.result && !parts_.plan.prompt_only) {
    usage.answer_tokens = choice.result->n_generated_tokens;
    usage.reasoning_tokens = choice.result->n_reasoning_tokens;
  }
  return usage;
}

// A prompt with several answers was read once, for the first of them.
Usage GenerationStream::total_usage() const {
  Usage total;
  for (int i = 0; i < static_cast<int>(choices_.size()); ++i) {
    const Usage usage = usage_of(i);
    total.answer_tokens += usage.answer_tokens;
    total.reasoning_tokens += usage.reasoning_tokens;
    if (i % parts_.plan.n_per_prompt != 0) continue;
    total.prompt_tokens += usage.prompt_tokens;
    total.cached_tokens += usage.cached_tokens;
    total.written_tokens += usage.written_tokens;
  }
  return total;
}

GenerationReport GenerationStream::report() const {
  GenerationReport report;
  const Choice& first = choices_.front();
  if (first.cache) {
    report.cache = *first.cache;
    describe_cache_break(parts_.engine->tokenizer(), prompt_of(0), *first.cache, report);
  }
  for (const auto& prompt : parts_.plan.prompts) {
    report.n_restored_reasonings += prompt.n_restored_reasonings;
  }
  for (const Choice& choice : choices_) {
    if (!choice.result) continue;
    report.queue_ms = std::max(report.queue_ms, choice.result->queue_ms);
    report.prompt_ms = std::max(report.prompt_ms, choice.result->prompt_ms);
    report.generation_ms = std::max(report.generation_ms, choice.result->generation_ms);
  }
  report.energy = parts_.record->energy;
  if (parts_.books) report.currency = parts_.books->currency();
  report.warnings = warnings_;
  return report;
}

std::string GenerationStream::finish() {
  is_over_ = true;
  Finished finished;
  finished.usage = total_usage();
  finished.report = report();
  parts_.record->n_cached_tokens = finished.usage.cached_tokens;
  parts_.record->n_answer_tokens = finished.usage.answer_tokens;
  return parts_.writer->finish(finished);
}

std::string GenerationStream::fail(ApiError error) {
  is_over_ = true;
  cancel_all();
  const Usage usage = total_usage();
  parts_.record->n_cached_tokens = usage.cached_tokens;
  // Of answers that were cut off there is no usage, but what was sent.
  parts_.record->n_answer_tokens = std::max(parts_.record->n_answer_tokens, usage.answer_tokens);
  parts_.record->error = error.message;
  failure_ = std::move(error);
  failure_->request_id = parts_.record->request_id;
  return parts_.writer->fail(*failure_);
}

HttpResponse GenerationStream::whole(std::string body) {
  HttpResponse response = head();
  response.body = std::move(body);
  if (!failure_) return response;
  HttpResponse error = error_response(*parts_.dialect, *failure_);
  error.headers.insert(error.headers.end(), response.headers.begin(), response.headers.end());
  return error;
}

void GenerationStream::abandon() { is_abandoned_ = true; }

}  // namespace jevons
