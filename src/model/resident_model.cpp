#include "model/resident_model.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/memory_info.h"
#include "model/model.h"
#include "weights/dense_core.h"
#include "weights/embedding_file.h"
#include "weights/expert_layout.h"
#include "weights/memory_watch.h"
#include "weights/popularity_file.h"

namespace jevons {
namespace {

constexpr auto kLook = std::chrono::milliseconds(250);
constexpr auto kSave = std::chrono::minutes(5);

std::uint64_t reserve_bytes() { return system_reserve_bytes(memory_info().total_bytes); }

std::uint64_t least_cache_bytes(const ExpertLayout& layout) {
  // Enough that the next expert is read while one is computed.
  constexpr std::uint64_t kFrames = 8;
  std::uint64_t n_bytes = 0;
  for (const FrameClass& c : layout.classes()) n_bytes += kFrames * c.frame_bytes;
  return n_bytes;
}

}  // namespace

Result<ResidencyPlan> plan_residency(const OpenModel& model, const ResidencyOptions& options) {
  ResidencyPlan plan;
  plan.weight_bytes = model.file->n_bytes();
  const std::uint64_t ram = options.ram_bytes > 0
                                ? options.ram_bytes
                                : bytes_left(memory_info().available_bytes, reserve_bytes());
  const std::uint64_t for_weights = bytes_left(ram, options.other_bytes + options.program_bytes);
  if (plan.weight_bytes <= for_weights) return plan;
  plan.is_streamed = true;
  plan.dense_bytes = DenseCore::size_bytes(*model.file, model.weights);
  const ExpertLayout layout(model.weights);
  const std::uint64_t least = least_cache_bytes(layout);
  plan.cache_bytes = bytes_left(for_weights, plan.dense_bytes);
  if (plan.cache_bytes < least) {
    return fail(
        "{} of memory are not enough: the part that every token reads takes {}, keys, values and "
        "work space {}, the rest of the program {}, and at least {} are needed for experts",
        memory_text(ram), memory_text(plan.dense_bytes), memory_text(options.other_bytes),
        memory_text(options.program_bytes), memory_text(least));
  }
  return plan;
}

int streamed_batch(const ModelConfig& config, std::uint64_t ram_bytes) {
  constexpr int kMost = 2048;
  constexpr int kLeast = 512;
  const std::uint64_t ram = ram_bytes > 0 ? ram_bytes : memory_info().available_bytes;
  int batch = kMost;
  while (batch > kLeast && Model::scratch_bytes(config, batch) > ram / 8) batch /= 2;
  return batch;
}

struct ResidentModel::State {
  State(const OpenModel& model, const ResidencyOptions& o)
      : file(*model.file), options(o), weights(model.weights) {}

  // Runs beside the model.
  void watch();
  void save_popularity();
  [[nodiscard]] std::string statistics_path() const {
    return fmt::format("{}/experts-{}.json", options.statistics_folder,
                       options.fingerprint.substr(0, 16));
  }

  const ModelFile& file;
  const ResidencyOptions options;
  ResidencyPlan plan;
  std::optional<DenseCore> core;
  std::optional<EmbeddingFile> embedding;
  M2Weights weights;
  std::unique_ptr<ExpertCache> experts;
  std::vector<float> saved;

  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;  // guarded by mutex
  std::thread thread;
};

void ResidentModel::State::save_popularity() {
  if (options.statistics_folder.empty()) return;
  std::vector<float> uses = experts->popularity();
  if (uses == saved) return;
  std::error_code error;
  std::filesystem::create_directories(options.statistics_folder, error);
  const ExpertLayout& layout = experts->layout();
  // What cannot be written is lost to the next start alone, and written again in a while.
  if (write_popularity(statistics_path(),
                       {options.fingerprint, layout.n_layers(), layout.n_experts(), uses})) {
    saved = std::move(uses);
  }
}

void ResidentModel::State::watch() {
  MemoryBudget budget(plan.cache_bytes, least_cache_bytes(experts->layout()), reserve_bytes());
  auto next_save = std::chrono::steady_clock::now() + kSave;
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, kLook, [&] { return stop; })) {
    const auto now = std::chrono::steady_clock::now();
    experts->set_memory(budget.next(memory_pressure(), experts->held_bytes(), now));
    if (now < next_save) continue;
    save_popularity();
    next_save = now + kSave;
  }
}

ResidentModel::ResidentModel(std::unique_ptr<State> state) : state_(std::move(state)) {}

ResidentModel::~ResidentModel() {
  if (!state_->thread.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
  state_->save_popularity();
}

Result<std::unique_ptr<ResidentModel>> ResidentModel::open(const OpenModel& model,
                                                           const ResidencyOptions& options) {
  auto state = std::make_unique<State>(model, options);
  JEVONS_ASSIGN(state->plan, plan_residency(model, options));
  if (state->plan.is_streamed) {
    JEVONS_ASSIGN(state->core, DenseCore::read(*model.file, model.weights));
    state->weights = state->core->weights;
    if (!state->weights.head_is_embedding()) {
      JEVONS_ASSIGN(state->embedding,
                    EmbeddingFile::open(*model.file, model.weights.token_embedding));
      state->weights.embedding_file = &*state->embedding;
    }
    // Looking at the file for its shape has brought some of it into memory.
    for (const GgufFile& shard : model.file->shards()) {
      ::madvise(const_cast<std::byte*>(shard.bytes().data()), shard.bytes().size(), MADV_DONTNEED);
    }
    ExpertCacheOptions cache;
    cache.memory_bytes = state->plan.cache_bytes;
    cache.verify = options.verify;
    JEVONS_ASSIGN(
        state->experts,
        ExpertCache::open(ExpertLayout(model.weights), cache, model.weights.config.n_experts_used,
                          [&](DiskReader::Done done) {
                            return DiskReader::open(model.file->paths(), {}, std::move(done));
                          }));
    if (!options.statistics_folder.empty()) {
      // Without statistics the cache learns from nothing.
      const auto known = read_popularity(state->statistics_path(), options.fingerprint);
      if (known) {
        [[maybe_unused]] const auto taken = state->experts->import_popularity(known->uses);
      }
    }
    state->experts->start_filling();
    state->thread = std::thread([s = state.get()] { s->watch(); });
  }
  return std::unique_ptr<ResidentModel>(new ResidentModel(std::move(state)));
}

const ResidencyPlan& ResidentModel::plan() const { return state_->plan; }
const M2Weights& ResidentModel::weights() const { return state_->weights; }
ExpertCache* ResidentModel::experts() const { return state_->experts.get(); }

}  // namespace jevons
