#include "engine/engine.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <random>
#include <span>
#include <thread>
#include <utility>

#include "base/memory_info.h"
#include "engine/context_plan.h"
#include "engine/engine_core.h"
#include "engine/kv_store.h"
#include "engine/page_hash.h"
#include "engine/prefix_cache.h"
#include "engine/request_checks.h"
#include "engine/scheduler.h"
#include "engine/work_log.h"
#include "model/model.h"
#include "model/model_identity.h"
#include "model/open_model.h"
#include "model/resident_model.h"
#include "model/routing_recorder.h"

namespace jevons {
namespace {

// What the destructor gives the disk.
constexpr int kLastFlushMs = 2000;

using Clock = std::chrono::steady_clock;

double milliseconds_until(Clock::time_point end) {
  return std::max(0.0, std::chrono::duration<double, std::milli>(end - Clock::now()).count());
}

// After a flush the queue is empty: a store without room then has reached a limit, or has failed.
bool may_write(const KvStore& store) { return store.has_room(); }

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

struct Plan {
  ResidencyOptions residency;
  int prefill_chunk;
  double slice_ms;
  int n_parallel;
  int queue_length;
  ModelOptions model;
  std::optional<ModelOptions> between;  // of the model that runs between the other's layers
  KvLayout layout;
  int context_length;
  int n_pages;
};

// For the given way of holding the weights: everything but them.
Result<void> plan_context_and_pages(const EngineOptions& options, const OpenModel& open,
                                    bool is_streamed, Plan& plan) {
  constexpr int kChunk = 512;
  const ModelConfig& config = open.weights.config;
  const std::uint64_t available =
      options.ram_bytes > 0 ? options.ram_bytes : memory_info().available_bytes;
  plan.prefill_chunk = options.prefill_chunk > 0 ? options.prefill_chunk
                       : is_streamed             ? streamed_batch(config, available)
                                                 : kChunk;
  // A shorter slice of a prompt reads as much of the model as a long one.
  constexpr double kUnlimited = 1e9;
  plan.slice_ms = is_streamed ? kUnlimited : options.slice_ms;
  plan.model.max_batch = plan.prefill_chunk + plan.n_parallel + n_guess_rows(options.speculate);
  std::uint64_t scratch_bytes = Model::scratch_bytes(config, plan.model.max_batch);
  plan.between.reset();
  // A trace holds passes one after another.
  if ((is_streamed || options.answers_go_between) && options.trace_path.empty()) {
    plan.between = plan.model;
    plan.between->max_batch = kMostBetween + plan.n_parallel + n_guess_rows(options.speculate);
    scratch_bytes += Model::scratch_bytes(config, plan.between->max_batch);
  }
  ContextDemand demand{options.context_length, config.context_length, plan.layout.page_bytes,
                       open.file->n_bytes(),   scratch_bytes,         available};
  demand.kv_memory_bytes = options.kv_memory_bytes;
  demand.reserve_bytes = options.program_bytes;
  JEVONS_ASSIGN(plan.context_length, plan_context(demand));
  plan.n_pages = plan_pages(demand, plan.context_length, plan.n_parallel);
  plan.residency.other_bytes =
      demand.scratch_bytes + static_cast<std::uint64_t>(plan.n_pages) * plan.layout.page_bytes;
  return {};
}

Result<Plan> plan_engine(const EngineOptions& options, const OpenModel& open) {
  Plan plan{};
  plan.n_parallel = std::max(1, options.n_parallel);
  plan.queue_length = options.queue_length > 0 ? options.queue_length : 16 * plan.n_parallel;
  plan.model.n_threads = options.n_threads > 0 ? options.n_threads : available_cpus();
  plan.model.kv_format = kv_format(options.kv_type);
  plan.model.foresight = options.foresight;
  plan.layout = KvLayout::of(open.weights.config, plan.model.kv_format, kernels::best_kernel_set());
  plan.residency.ram_bytes = options.ram_bytes;
  plan.residency.statistics_folder = options.statistics_folder;
  plan.residency.verify = options.verify;
  plan.residency.program_bytes = options.program_bytes;
  plan.residency.fingerprint = model_fingerprint(open, plan.model.kv_format);
  JEVONS_TRY(plan_context_and_pages(options, open, /*is_streamed=*/false, plan));
  JEVONS_ASSIGN(const ResidencyPlan residency, plan_residency(open, plan.residency));
  if (residency.is_streamed) {
    JEVONS_TRY(plan_context_and_pages(options, open, /*is_streamed=*/true, plan));
  }
  return plan;
}

Result<std::unique_ptr<KvStore>> open_store(const EngineOptions& options,
                                            const std::string& fingerprint,
                                            std::size_t page_bytes) {
  if (options.cache_dir.empty()) return nullptr;
  KvStoreOptions store{options.cache_dir, fingerprint, page_bytes, options.cache_disk_bytes,
                       options.daily_write_bytes};
  if (store.max_bytes == 0) {
    std::error_code error;
    std::filesystem::create_directories(store.folder, error);
    const auto space = std::filesystem::space(store.folder, error);
    constexpr std::uint64_t kMost = std::uint64_t{64} << 30;
    if (!error) store.max_bytes = std::min<std::uint64_t>(kMost, space.available / 10);
  }
  return KvStore::open(store);
}

Result<std::unique_ptr<RoutingRecorder>> open_recorder(const EngineOptions& options) {
  if (options.trace_path.empty()) return nullptr;
  return RoutingRecorder::create(options.trace_path);
}

/// Beside the folder of the pages, whose lock keeps other processes off it, too.
void keep_turns(TurnStore& turns, const EngineOptions& options, const std::string& fingerprint) {
  const Sha256 hash = sha256({std::as_bytes(std::span(fingerprint))});
  const auto kept = turns.keep_in(
      fmt::format("{}/turns-{}", options.cache_dir, hex(std::span(hash).first(8))), fingerprint);
  if (!kept) spdlog::warn("answers are not kept over restarts: {}", kept.error().message);
}

EngineStatus::Experts experts_status(const ExpertCache& cache, const Foresight::Counts& foresight) {
  const ExpertCacheCounts counts = cache.counts();
  const DiskReaderCounts disk = cache.disk();
  EngineStatus::Experts status{};
  status.enabled = true;
  status.memory_bytes = cache.memory_bytes();
  status.held_bytes = cache.held_bytes();
  status.resident_share = cache.resident_share();
  status.n_needed = counts.n_needed;
  status.n_hits = counts.n_hits;
  status.n_foreseen = counts.n_expected;
  status.n_foreseen_in_time = counts.n_in_time;
  status.n_missed = counts.n_missed;
  status.n_guessed = foresight.n_guessed;
  status.n_guessed_right = foresight.n_right;
  status.n_guessable = foresight.n_chosen;
  status.n_wrong_reads = counts.n_wrong;
  status.n_bytes_read = disk.direct_bytes;
  status.n_failed_reads = disk.n_failed;
  status.disk_seconds = disk.busy_seconds;
  status.waiting_seconds = counts.waiting_seconds;
  status.waiting_since_s = cache.waiting_since_seconds();
  status.method = cache.reader().method();
  status.bypasses_page_cache = cache.reader().is_direct();
  return status;
}

ModelFacts facts_of(const OpenModel& open, const Plan& plan) {
  const ModelConfig& config = open.weights.config;
  const ModelIdentity identity = identify(open);
  ModelFacts facts{};
  facts.name = config.name;
  facts.quantisation = identity.quantisation;
  facts.model_context_length = config.context_length;
  facts.context_length = plan.context_length;
  facts.vocab_size = config.vocab_size;
  facts.n_threads = plan.model.n_threads;
  facts.n_parameters = identity.n_parameters;
  facts.weight_bytes = identity.weight_bytes;
  facts.kv_bytes_per_token = plan.layout.bytes_per_token();
  facts.fingerprint = plan.residency.fingerprint;
  const double hidden = config.hidden_size;
  const double attention = hidden * (2 * config.q_size() + 2 * config.kv_size());
  const double experts =
      hidden * (config.n_experts + 3.0 * config.n_experts_used * config.expert_size);
  facts.operations_per_token = 2 * config.n_layers * (attention + experts);
  facts.operations_per_logits = 2 * hidden * config.vocab_size;
  facts.operations_per_position = 4.0 * config.n_layers * config.q_size();
  return facts;
}

}  // namespace

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

// Members go in reverse: first the thread that uses all of them, last what it used.
struct Engine::State {
  State(std::unique_ptr<OpenModel> open_model, std::unique_ptr<ResidentModel> resident_model,
        Tokenizer t, std::unique_ptr<RoutingRecorder> r, const Plan& options)
      : open(std::move(open_model)),
        resident(std::move(resident_model)),
        tokenizer(std::move(t)),
        constraints(tokenizer),
        recorder(std::move(r)),
        model(resident->weights(), options.model) {
    if (options.between) between = std::make_unique<Model>(resident->weights(), *options.between);
  }

  std::unique_ptr<OpenModel> open;
  std::unique_ptr<ResidentModel> resident;
  Tokenizer tokenizer;
  ConstraintCompiler constraints;
  TurnStore turns;
  PromptFormat format;
  SamplingParams sampling;
  ModelFacts facts{};
  RequestLimits limits{};
  std::unique_ptr<RoutingRecorder> recorder;
  Model model;
  std::unique_ptr<Model> between;  // for steps between the layers of a long pass
  std::unique_ptr<KvStore> store;
  std::unique_ptr<PrefixCache> cache;
  std::unique_ptr<WorkLog> work;
  std::unique_ptr<EngineCore> core;
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}

Engine::~Engine() {
  state_->core.reset();
  if (!state_->store) return;
  // From here on this thread owns the cache.
  const auto end = Clock::now() + std::chrono::milliseconds(kLastFlushMs);
  while (state_->cache->write_behind() > 0 && Clock::now() < end && may_write(*state_->store)) {
    state_->store->flush(milliseconds_until(end));
  }
  state_->store->flush(milliseconds_until(end));
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options) {
  JEVONS_ASSIGN(OpenModel opened, OpenModel::open(options.model_path));
  auto open = std::make_unique<OpenModel>(std::move(opened));
  JEVONS_ASSIGN(Vocabulary vocabulary, open->vocabulary());
  JEVONS_ASSIGN(Plan plan, plan_engine(options, *open));
  PromptFormat format = prompt_format_for(vocabulary.chat_template, open->weights.config.name);
  const SamplingParams sampling = sampling_defaults(vocabulary);
  ModelFacts facts = facts_of(*open, plan);

  JEVONS_ASSIGN(Tokenizer tokenizer, Tokenizer::create(std::move(vocabulary)));
  JEVONS_ASSIGN(auto store, open_store(options, facts.fingerprint, plan.layout.page_bytes));
  JEVONS_ASSIGN(auto recorder, open_recorder(options));
  plan.model.recorder = recorder.get();
  JEVONS_ASSIGN(auto resident, ResidentModel::open(*open, plan.residency));
  plan.model.experts = resident->experts();
  if (plan.between) plan.between->experts = resident->experts();
  facts.is_streamed = resident->plan().is_streamed;
  auto state = std::make_unique<State>(std::move(open), std::move(resident), std::move(tokenizer),
                                       std::move(recorder), plan);
  state->format = std::move(format);
  state->sampling = sampling;
  if (store != nullptr) keep_turns(state->turns, options, facts.fingerprint);
  state->store = std::move(store);
  state->cache = std::make_unique<PrefixCache>(state->store.get());
  if (options.logs_work) state->work = std::make_unique<WorkLog>();
  facts.kernels = state->model.kernels().name;
  state->facts = std::move(facts);
  state->core = std::make_unique<EngineCore>(
      state->model, state->tokenizer, *state->cache,
      EngineCoreOptions{plan.context_length, plan.n_parallel, plan.queue_length, plan.n_pages,
                        plan.prefill_chunk, plan.slice_ms, options.speculate,
                        options.forced_guesses, plan.model.recorder, state->between.get(),
                        state->work.get()});
  state->limits = {state->facts.vocab_size, plan.context_length, plan.n_pages,
                   state->core->rules().think_end.has_value()};
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

const ModelFacts& Engine::facts() const { return state_->facts; }
const Tokenizer& Engine::tokenizer() const { return state_->tokenizer; }
const PromptFormat& Engine::prompt_format() const { return state_->format; }
const SamplingParams& Engine::default_sampling() const { return state_->sampling; }
ConstraintCompiler& Engine::constraints() const { return state_->constraints; }
TurnStore& Engine::turns() const { return state_->turns; }

std::expected<CompletionId, SubmitError> Engine::submit(CompletionRequest request,
                                                        CompletionSink sink) {
  if (auto ok = check_request(request, state_->limits); !ok) {
    state_->core->count_rejected();
    return std::unexpected(std::move(ok).error());
  }
  if (!request.sampling.seed) request.sampling.seed = fresh_seed();
  return state_->core->submit(std::move(request), std::move(sink));
}

void Engine::cancel(CompletionId id) { state_->core->cancel(id); }

Result<CompletionResult> Engine::complete(CompletionRequest request, const CompletionSink& sink,
                                          const std::stop_token& cancel_token) {
  // Shared: the engine's thread may still be inside set_value() when this function returns.
  const auto promise = std::make_shared<std::promise<Result<CompletionResult>>>();
  auto future = promise->get_future();
  CompletionSink forwarding = sink;
  forwarding.on_end = [&sink, promise](const Result<CompletionResult>& result) {
    if (sink.on_end) sink.on_end(result);
    promise->set_value(result);
  };
  const auto id = submit(std::move(request), std::move(forwarding));
  if (!id) return std::unexpected(Error{id.error().message});
  const std::stop_callback on_stop(cancel_token, [&] { cancel(*id); });
  return future.get();
}

EngineStatus Engine::status() const {
  EngineStatus status = state_->core->status();
  if (state_->store) status.disk = state_->store->status();
  if (state_->resident->experts() != nullptr) {
    Foresight::Counts guesses = state_->model.foresight();
    if (state_->between) guesses += state_->between->foresight();
    status.experts = experts_status(*state_->resident->experts(), guesses);
  }
  return status;
}

WorkHorizon Engine::take_work(std::vector<WorkShare>& shares) {
  if (!state_->work) return {.until = Clock::now()};
  return state_->work->take(shares);
}

void Engine::stop_accepting() { state_->core->stop_accepting(); }

void Engine::flush_disk_cache(double timeout_ms) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double, std::milli>(timeout_ms));
  state_->turns.flush(milliseconds_until(end));
  if (!state_->store) return;
  do {
    state_->core->write_behind();
    state_->store->flush(milliseconds_until(end));
    if (state_->core->n_waiting_for_disk() == 0 || !may_write(*state_->store)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  } while (Clock::now() < end);
  state_->store->flush(milliseconds_until(end));
}

}  // namespace jevons
