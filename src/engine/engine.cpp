#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <utility>

#include "base/memory_info.h"
#include "engine/context_plan.h"
#include "engine/sampler.h"
#include "engine/stop_matcher.h"
#include "model/model.h"
#include "model/open_model.h"
#include "text/detokenizer.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

kernels::KvFormat kv_format(KvType type) {
  return type == KvType::kF16 ? kernels::KvFormat::kF16 : kernels::KvFormat::kQ8_0;
}

SamplingParams sampling_defaults(const Vocabulary& vocabulary) {
  SamplingParams params;
  params.temperature = vocabulary.sampling.temperature.value_or(params.temperature);
  params.top_p = vocabulary.sampling.top_p.value_or(params.top_p);
  params.top_k = vocabulary.sampling.top_k.value_or(params.top_k);
  return params;
}

// 53 bits: a seed that was reported can be given back through a flag or a JSON number.
std::uint64_t fresh_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 21 ^ device();
}

}  // namespace

namespace {

// One answer on its way: sampling, stopping, and what is sent to the sink.
class Answer {
 public:
  Answer(const CompletionRequest& request, const SamplingParams& sampling,
         const Tokenizer& tokenizer, const CompletionSink& sink)
      : request_(request),
        sink_(sink),
        sampler_(sampling, request.prompt),
        detokenizer_(tokenizer),
        matcher_(request.stop_strings) {}

  [[nodiscard]] Result<std::int32_t> sample(std::span<const float> logits) {
    auto id = sampler_.sample(logits);
    if (id && request_.n_logprobs >= 0) record_logprobs(*id, logits);
    return id;
  }
  /// Takes a token that belongs to the answer.
  void add(std::int32_t id) {
    pending_.ids.push_back(id);
    emit(matcher_.push(detokenizer_.push(id)));
  }
  /// The token that ended the answer is not part of it, and neither are its logprobs.
  void drop_last_logprobs() {
    if (request_.n_logprobs < 0) return;
    pending_.logprobs.pop_back();
    pending_.alternatives.pop_back();
  }
  void finish() {
    std::string rest = matcher_.push(detokenizer_.finish());
    rest += matcher_.finish();
    emit(rest, true);
  }
  [[nodiscard]] const std::optional<std::string>& matched_stop() const {
    return matcher_.matched();
  }

 private:
  void record_logprobs(std::int32_t id, std::span<const float> logits) {
    const double normaliser = log_sum_exp(logits);
    const auto logprob = [&](std::int32_t token) {
      const double logit = logits[static_cast<std::size_t>(token)];
      return TokenLogprob{token, static_cast<float>(logit - normaliser)};
    };
    pending_.logprobs.push_back(logprob(id));
    std::vector<std::int32_t> order(logits.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
    const auto n = std::min(order.size(), static_cast<std::size_t>(request_.n_logprobs));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                      [&](std::int32_t a, std::int32_t b) {
                        const float la = logits[static_cast<std::size_t>(a)];
                        const float lb = logits[static_cast<std::size_t>(b)];
                        return la != lb ? la > lb : a < b;
                      });
    auto& alternatives = pending_.alternatives.emplace_back();
    for (std::size_t i = 0; i < n; ++i) alternatives.push_back(logprob(order[i]));
  }

  void emit(const std::string& text, bool last = false) {
    pending_.text += text;
    if (pending_.text.empty() && !(last && !pending_.ids.empty())) return;
    if (sink_.on_chunk) sink_.on_chunk(pending_);
    pending_ = {};
  }

  const CompletionRequest& request_;
  const CompletionSink& sink_;
  Sampler sampler_;
  Detokenizer detokenizer_;
  StopMatcher matcher_;
  CompletionChunk pending_;
};

Result<void> validate_prompt(const CompletionRequest& request, const ModelFacts& facts) {
  const auto n = static_cast<int>(request.prompt.size());
  if (n == 0) return fail("the prompt is empty: there is nothing to answer");
  for (int i = 0; i < n; ++i) {
    const std::int32_t id = request.prompt[static_cast<std::size_t>(i)];
    if (id < 0 || id >= facts.vocab_size) {
      return fail("token {} at position {} of the prompt is outside the vocabulary of {}", id, i,
                  facts.vocab_size);
    }
  }
  if (n >= facts.context_length) {
    return fail(
        "the prompt is {} tokens long, and the context holds {} (one is needed for the "
        "answer): shorten the prompt or give a larger context (-c)",
        n, facts.context_length);
  }
  for (const auto& [id, bias] : request.sampling.logit_bias) {
    if (id < 0 || id >= facts.vocab_size) {
      return fail("logit_bias names token {}, which is outside the vocabulary of {}", id,
                  facts.vocab_size);
    }
  }
  return {};
}

}  // namespace

struct Engine::State {
  State(OpenModel open_model, Tokenizer t, const ModelOptions& options)
      : open(std::move(open_model)),
        tokenizer(std::move(t)),
        model(open.weights, options),
        sequence(model.kv_layout()) {}

  bool read_tokens(std::span<const std::int32_t> tokens, const CompletionSink& sink,
                   const std::stop_token& cancel);
  Result<StopReason> write_answer(const CompletionRequest& request, Answer& answer,
                                  const std::stop_token& cancel, int& n_generated);

  OpenModel open;
  Tokenizer tokenizer;
  std::optional<std::int32_t> end_of_turn;
  PromptFormat format;
  SamplingParams sampling;
  ModelFacts facts;
  Model model;
  KvSequence sequence;
  std::vector<std::int32_t> cached;  // tokens whose keys and values the sequence holds
  std::vector<float> logits;         // [vocab_size] after the last token
};

// Feeds what is not cached of `tokens` to the network in chunks; the logits of the last one stay.
// Returns false if cancelled; what was computed until then stays in the cache.
bool Engine::State::read_tokens(std::span<const std::int32_t> tokens, const CompletionSink& sink,
                                const std::stop_token& cancel) {
  std::vector<BatchToken> batch;
  sequence.reserve(static_cast<int>(tokens.size()));
  const auto total = static_cast<int>(tokens.size());
  const auto chunk = static_cast<std::size_t>(model.max_batch());
  while (cached.size() < tokens.size()) {
    if (cancel.stop_requested()) return false;
    if (sink.on_prompt_progress) {
      sink.on_prompt_progress(static_cast<int>(cached.size()), total);
    }
    const std::size_t n = std::min(chunk, tokens.size() - cached.size());
    batch.clear();
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t position = cached.size() + i;
      batch.push_back(
          {tokens[position], static_cast<int>(position), &sequence, position + 1 == tokens.size()});
    }
    model.forward(batch, logits.data());
    for (const BatchToken& token : batch) cached.push_back(token.id);
  }
  if (sink.on_prompt_progress) sink.on_prompt_progress(total, total);
  return true;
}

// Writes the answer, one token at a time, until something stops it.
Result<StopReason> Engine::State::write_answer(const CompletionRequest& request, Answer& answer,
                                               const std::stop_token& cancel, int& n_generated) {
  const auto is_stop = [&](std::int32_t id) {
    return id == end_of_turn || std::find(request.stop_tokens.begin(), request.stop_tokens.end(),
                                          id) != request.stop_tokens.end();
  };
  for (;;) {
    if (cancel.stop_requested()) return StopReason::kCancelled;
    JEVONS_ASSIGN(const std::int32_t id, answer.sample(logits));
    if (is_stop(id)) {
      answer.drop_last_logprobs();
      return StopReason::kEndOfTurn;
    }
    ++n_generated;
    answer.add(id);
    if (answer.matched_stop()) return StopReason::kStopString;
    if (n_generated == request.max_tokens) return StopReason::kMaxTokens;
    const auto position = static_cast<int>(cached.size());
    if (position >= facts.context_length) return StopReason::kContextFull;
    sequence.reserve(position + 1);
    const BatchToken token{id, position, &sequence, true};
    model.forward({&token, 1}, logits.data());
    cached.push_back(id);
  }
}

const char* stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfTurn:
      return "stop";
    case StopReason::kStopString:
      return "stop_string";
    case StopReason::kMaxTokens:
      return "length";
    case StopReason::kContextFull:
      return "context";
    case StopReason::kCancelled:
      return "cancelled";
    case StopReason::kDeadline:
      return "deadline";
  }
  return "?";
}

Result<void> validate(const SamplingParams& params) {
  const auto in_range = [](const char* name, double value, double low,
                           double high) -> Result<void> {
    if (value >= low && value <= high) return {};
    return fail("{} is {}, and must be between {} and {}", name, value, low, high);
  };
  JEVONS_TRY(in_range("temperature", params.temperature, 0, 100));
  JEVONS_TRY(in_range("top_k", params.top_k, 0, 1e9));
  JEVONS_TRY(in_range("top_p", params.top_p, 0, 1));
  JEVONS_TRY(in_range("min_p", params.min_p, 0, 1));
  JEVONS_TRY(in_range("repetition_penalty", params.repetition_penalty, 0.01, 100));
  JEVONS_TRY(in_range("presence_penalty", params.presence_penalty, -100, 100));
  JEVONS_TRY(in_range("frequency_penalty", params.frequency_penalty, -100, 100));
  JEVONS_TRY(in_range("penalty_window", params.penalty_window, 0, 1e6));
  for (const auto& [id, bias] : params.logit_bias) {
    JEVONS_TRY(in_range("logit_bias", bias, -1000, 1000));
  }
  return {};
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options) {
  JEVONS_ASSIGN(OpenModel open, OpenModel::open(options.model_path));
  JEVONS_ASSIGN(Vocabulary vocabulary, open.vocabulary());
  ModelOptions model_options;
  model_options.n_threads = options.n_threads > 0 ? options.n_threads : available_cpus();
  model_options.max_batch = std::max(1, options.prefill_chunk);
  model_options.kv_format = kv_format(options.kv_type);

  const ModelConfig& config = open.weights.config;
  const KvLayout layout = KvLayout::of(config, model_options.kv_format, kernels::best_kernel_set());
  const std::uint64_t weight_bytes = open.file->n_bytes();
  JEVONS_ASSIGN(const int context,
                plan_context({options.context_length, config.context_length, layout.page_bytes,
                              weight_bytes, Model::scratch_bytes(config, model_options.max_batch),
                              memory_info().available_bytes}));

  PromptFormat format = prompt_format_for(vocabulary.chat_template, config.name);
  const SamplingParams sampling = sampling_defaults(vocabulary);
  const std::optional<std::int32_t> end_of_turn = vocabulary.eos_id;
  JEVONS_ASSIGN(Tokenizer tokenizer, Tokenizer::create(std::move(vocabulary)));
  auto state = std::make_unique<State>(std::move(open), std::move(tokenizer), model_options);
  state->end_of_turn = end_of_turn;
  state->format = std::move(format);
  state->sampling = sampling;
  const ModelConfig& kept = state->open.weights.config;
  state->logits.resize(static_cast<std::size_t>(kept.vocab_size));
  ModelFacts& facts = state->facts;
  facts.name = kept.name;
  facts.model_context_length = kept.context_length;
  facts.context_length = context;
  facts.vocab_size = kept.vocab_size;
  facts.n_threads = model_options.n_threads;
  facts.kernels = state->model.kernels().name;
  facts.weight_bytes = weight_bytes;
  facts.kv_bytes_per_token = layout.bytes_per_token();
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

const ModelFacts& Engine::facts() const { return state_->facts; }
const Tokenizer& Engine::tokenizer() const { return state_->tokenizer; }
const PromptFormat& Engine::prompt_format() const { return state_->format; }
const SamplingParams& Engine::default_sampling() const { return state_->sampling; }

Result<CompletionResult> Engine::complete(CompletionRequest request, const CompletionSink& sink,
                                          const std::stop_token& cancel) {
  State& state = *state_;
  JEVONS_TRY(validate(request.sampling));
  JEVONS_TRY(validate_prompt(request, state.facts));
  SamplingParams sampling = request.sampling;
  if (!sampling.seed) sampling.seed = fresh_seed();

  CompletionResult result{};
  result.seed = *sampling.seed;
  result.n_prompt_tokens = static_cast<int>(request.prompt.size());
  // The last token of the prompt is always read: its logits begin the answer.
  const auto [mine, theirs] = std::mismatch(state.cached.begin(), state.cached.end(),
                                            request.prompt.begin(), request.prompt.end() - 1);
  state.cached.erase(mine, state.cached.end());
  result.n_cached_tokens = static_cast<int>(state.cached.size());

  const auto prompt_start = Clock::now();
  const bool read = state.read_tokens(request.prompt, sink, cancel);
  result.prompt_ms = milliseconds_since(prompt_start);
  if (!read) {
    result.stop_reason = StopReason::kCancelled;
    return result;
  }
  const auto answer_start = Clock::now();
  Answer answer(request, sampling, state.tokenizer, sink);
  JEVONS_ASSIGN(result.stop_reason,
                state.write_answer(request, answer, cancel, result.n_generated_tokens));
  answer.finish();
  if (answer.matched_stop()) {
    result.stop_reason = StopReason::kStopString;
    result.stop_string = *answer.matched_stop();
  }
  result.generation_ms = milliseconds_since(answer_start);
  return result;
}

}  // namespace jevons
