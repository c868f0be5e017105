#include "model/model.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"
#include "kernels/dequantize.h"
#include "kernels/vector_kernels.h"
#include "model/attention.h"
#include "model/experts.h"
#include "model/linear.h"
#include "model/rotary.h"
#include "model/routing_recorder.h"
#include "weights/embedding_file.h"
#include "weights/expert_cache.h"

namespace jevons {
namespace {

std::size_t rows_for(int max_batch) { return static_cast<std::size_t>(max_batch); }
std::size_t columns(int n) { return static_cast<std::size_t>(n); }

const kernels::KernelSet& chosen_kernels(const ModelOptions& options) {
  return options.kernels != nullptr ? *options.kernels : kernels::best_kernel_set();
}

// gate and up of every expert run side by side, and nothing has more jobs than that.
int most_jobs(const ModelConfig& config) { return std::max(4, 2 * config.n_experts); }

}  // namespace

struct Model::State {
  State(const M2Weights& w, const ModelOptions& options);

  Result<void> embed(std::span<const BatchToken> batch);
  Result<void> run(std::span<const BatchToken> batch, float* logits, const RoutingHooks& hooks);
  Result<void> layer(int index, const RoutingHooks& hooks);
  void project_qkv(int index, const LayerWeights& layer, int n_query_tokens);
  void keep_only_wanted();
  void attend(int index, const LayerWeights& layer);
  Result<void> mix_experts(int index, const LayerWeights& layer, int n_next_tokens,
                           const RoutingHooks& hooks);
  void look_ahead(int index, int n_next_tokens, const RoutingHooks& hooks);
  void foresee(int layer, RoutingTrace& into);
  void record(int index, std::span<const BatchToken> batch);
  bool is_abandoned() const {
    return is_given_up || (control.abandon != nullptr && control.abandon->load());
  }
  void pause_after(int index);
  void project_logits(float* logits);
  int n_active() const { return static_cast<int>(active.size()); }

  const M2Weights& weights;
  const ModelConfig& config;
  const ModelOptions options;
  const kernels::KernelSet& set;
  const KvLayout kv_layout;
  const std::vector<double> frequencies;
  // Of the tokens of a pass, where rows of the embedding come from the file.
  std::vector<std::int32_t> ids;
  std::vector<std::byte> embedding_rows;  // [max_batch][row_bytes]
  ThreadPool pool;
  Linear linear;
  Attention attention;
  Experts experts;
  Foresight foresight;
  std::vector<int> all_experts, absent;
  PassControl control;       // of the pass at work
  bool is_given_up = false;  // by whoever was called between layers

  // Row i of each buffer belongs to active[i].
  std::vector<BatchToken> active;
  FloatRows hidden, normed, queries, keys, values, attended, projected;
  FloatRows cosines, sines;
  EncodedRows encoded_hidden;    // of [hidden_size]
  EncodedRows encoded_attended;  // of [q_size]
  std::array<std::vector<const std::byte*>, 3> x;
  std::array<std::vector<float*>, 3> y;
  std::vector<AttentionToken> attention_tokens;
  std::vector<const std::int32_t*> forced;
  StageClock clock;
  StageTimes* times = nullptr;
};

Model::State::State(const M2Weights& w, const ModelOptions& o)
    : weights(w),
      config(w.config),
      options(o),
      set(chosen_kernels(o)),
      kv_layout(KvLayout::of(config, o.kv_format, set)),
      frequencies(rotary_frequencies(config.rope_theta, config.rotary_dim)),
      pool(o.n_threads),
      linear(set, pool, o.max_batch, most_jobs(config)),
      attention(config, kv_layout, set, pool),
      experts(w, set, pool, linear, o.max_batch, o.experts),
      foresight(w, set, linear),
      all_experts(columns(config.n_experts)),
      hidden(rows_for(o.max_batch), columns(config.hidden_size)),
      normed(rows_for(o.max_batch), columns(config.hidden_size)),
      queries(rows_for(o.max_batch), columns(config.q_size())),
      keys(rows_for(o.max_batch), columns(config.kv_size())),
      values(rows_for(o.max_batch), columns(config.kv_size())),
      attended(rows_for(o.max_batch), columns(config.q_size())),
      projected(rows_for(o.max_batch), columns(config.hidden_size)),
      cosines(rows_for(o.max_batch), columns(config.rotary_dim / 2)),
      sines(rows_for(o.max_batch), columns(config.rotary_dim / 2)),
      encoded_hidden(set, o.max_batch, config.hidden_size),
      encoded_attended(set, o.max_batch, config.q_size()) {
  if (w.embedding_file != nullptr) {
    ids.reserve(rows_for(o.max_batch));
    embedding_rows.resize(rows_for(o.max_batch) * w.token_embedding.row_bytes);
  }
  active.reserve(rows_for(o.max_batch));
  attention_tokens.reserve(rows_for(o.max_batch));
  forced.resize(rows_for(o.max_batch));
  std::iota(all_experts.begin(), all_experts.end(), 0);
  absent.reserve(all_experts.size());
  for (auto& rows : x) rows.resize(rows_for(o.max_batch));
  for (auto& rows : y) rows.resize(rows_for(o.max_batch));
  // Every buffer that some layer will want is made now, so that forward() never allocates.
  encoded_hidden.want(weights.output.format);
  for (const LayerWeights& layer : weights.layers) {
    for (const Matrix* matrix : {&layer.q, &layer.k, &layer.v}) {
      encoded_hidden.want(matrix->format);
    }
    encoded_attended.want(layer.attention_output.format);
  }
}

Result<void> Model::State::embed(std::span<const BatchToken> batch) {
  active.assign(batch.begin(), batch.end());
  const Matrix& table = weights.token_embedding;
  const bool from_file = weights.embedding_file != nullptr;
  if (from_file) {
    ids.clear();
    for (const BatchToken& token : batch) ids.push_back(token.id);
    JEVONS_TRY(weights.embedding_file->read_rows(ids, embedding_rows.data()));
  }
  pool.parallel_for(n_active(), [&](int i, int) {
    const auto row = static_cast<std::size_t>(i);
    const BatchToken& token = active[row];
    JEVONS_CHECK(token.id >= 0 && token.id < config.vocab_size);
    JEVONS_CHECK(token.position >= 0 && token.position < token.sequence->capacity());
    const std::byte* coded =
        from_file ? embedding_rows.data() + table.row_bytes * row
                  : table.data + table.row_bytes * static_cast<std::size_t>(token.id);
    kernels::dequantize_row(table.format, coded, hidden.row(row), config.hidden_size);
    rotary_angles(frequencies, token.position, cosines.row(row), sines.row(row));
  });
  return {};
}

// q, k, v of the layer; in the last layer only the first n_query_tokens want a query.
void Model::State::project_qkv(int index, const LayerWeights& layer, int n_query_tokens) {
  const std::array<const Matrix*, 3> matrices = {&layer.q, &layer.k, &layer.v};
  const std::array<const FloatRows*, 3> outputs = {&queries, &keys, &values};
  const bool last = index + 1 == config.n_layers;
  encoded_hidden.clear();
  for (const Matrix* matrix : matrices) encoded_hidden.want(matrix->format);
  pool.parallel_for(n_active(), [&](int i, int) {
    const auto row = static_cast<std::size_t>(i);
    set.rms_norm(hidden.row(row), layer.attention_norm, normed.row(row), config.hidden_size,
                 config.rms_epsilon);
    encoded_hidden.encode_row(i, normed.row(row));
  });
  std::array<MatmulJob, 3> jobs;
  for (std::size_t m = 0; m < 3; ++m) {
    int n = 0;
    for (int i = 0; i < n_active(); ++i) {
      const auto row = static_cast<std::size_t>(i);
      if (m == 0 && last && !active[row].wants_logits) continue;
      x[m][static_cast<std::size_t>(n)] = encoded_hidden.row(matrices[m]->format, i);
      // Queries are stored packed: row n belongs to the n-th token that goes on.
      y[m][static_cast<std::size_t>(n)] =
          outputs[m]->row(m == 0 ? static_cast<std::size_t>(n) : row);
      ++n;
    }
    jobs[m] = {*matrices[m], x[m].data(), y[m].data(), n};
  }
  JEVONS_CHECK(jobs[0].n_tokens == n_query_tokens);
  linear.run(n_query_tokens > 0 ? std::span<const MatmulJob>(jobs)
                                : std::span<const MatmulJob>(jobs).subspan(1));
  pool.parallel_for(n_active(), [&](int i, int) {
    const auto row = static_cast<std::size_t>(i);
    const BatchToken& token = active[row];
    set.rms_norm(keys.row(row), layer.k_norm, keys.row(row), config.kv_size(), config.rms_epsilon);
    set.rope(keys.row(row), config.n_kv_heads, config.head_dim, config.rotary_dim, cosines.row(row),
             sines.row(row));
    const int page = token.position / kernels::kKeysPerPage;
    const int slot = token.position % kernels::kKeysPerPage;
    for (int head = 0; head < config.n_kv_heads; ++head) {
      const int offset = head * config.head_dim;
      set.store_key(kv_layout.format, keys.row(row) + offset, config.head_dim, slot,
                    token.sequence->keys(index, head, page));
      set.store_value(kv_layout.format, values.row(row) + offset, config.head_dim, slot,
                      token.sequence->values(index, head, page));
    }
  });
}

// Tokens whose logits nobody wants end with the last layer's keys and values.
void Model::State::keep_only_wanted() {
  std::size_t kept = 0;
  for (std::size_t row = 0; row < active.size(); ++row) {
    if (!active[row].wants_logits) continue;
    if (kept != row) {
      active[kept] = active[row];
      std::copy_n(hidden.row(row), config.hidden_size, hidden.row(kept));
      std::copy_n(cosines.row(row), config.rotary_dim / 2, cosines.row(kept));
      std::copy_n(sines.row(row), config.rotary_dim / 2, sines.row(kept));
    }
    ++kept;
  }
  active.resize(kept);
}

void Model::State::attend(int index, const LayerWeights& layer) {
  pool.parallel_for(n_active(), [&](int i, int) {
    const auto row = static_cast<std::size_t>(i);
    set.rms_norm(queries.row(row), layer.q_norm, queries.row(row), config.q_size(),
                 config.rms_epsilon);
    set.rope(queries.row(row), config.n_heads, config.head_dim, config.rotary_dim, cosines.row(row),
             sines.row(row));
  });
  attention_tokens.clear();
  for (std::size_t row = 0; row < active.size(); ++row) {
    attention_tokens.push_back(
        {active[row].sequence, active[row].position, queries.row(row), attended.row(row)});
  }
  clock.lap(&StageTimes::projections);
  attention.run(index, attention_tokens);
  clock.lap(&StageTimes::attention);
  const Matrix& matrix = layer.attention_output;
  encoded_attended.clear();
  encoded_attended.want(matrix.format);
  pool.parallel_for(n_active(), [&](int i, int) {
    encoded_attended.encode_row(i, attended.row(static_cast<std::size_t>(i)));
  });
  for (std::size_t row = 0; row < active.size(); ++row) {
    x[0][row] = encoded_attended.row(matrix.format, static_cast<int>(row));
    y[0][row] = projected.row(row);
  }
  const MatmulJob job{matrix, x[0].data(), y[0].data(), n_active()};
  linear.run({&job, 1});
}

// Names the experts that the next layers will probably want, while this one's are being read.
void Model::State::look_ahead(int index, int n_next_tokens, const RoutingHooks& hooks) {
  if (options.experts == nullptr || options.foresight == 0) return;
  const int next = index + 1;
  if (next == config.n_layers) return;
  // So many choices leave hardly an expert out.
  if (n_next_tokens * config.n_experts_used >= 3 * config.n_experts) {
    return options.experts->expect(next, all_experts, ReadUrgency::kAhead);
  }
  if (n_active() > Foresight::kMostTokens || n_next_tokens < n_active()) return;
  if (!foresight.is_worthwhile()) return;
  const int end = std::min(config.n_layers, next + options.foresight);
  for (int layer = next; layer < end; ++layer) {
    std::array<const std::int32_t*, Foresight::kMostTokens> recorded{};
    bool is_recorded = hooks.guessed != nullptr;
    for (std::size_t row = 0; is_recorded && row < active.size(); ++row) {
      is_recorded = active[row].position < hooks.guessed->n_tokens;
      if (is_recorded) recorded[row] = hooks.guessed->at(layer, active[row].position);
    }
    const std::span<const int> guess =
        is_recorded ? foresight.take_recorded(layer, std::span(recorded).first(active.size()))
                    : foresight.guess(layer, hidden, n_active());
    options.experts->find_absent(layer, guess, absent);
    options.experts->expect(layer, foresight.worth_reading(layer, absent), ReadUrgency::kGuess);
  }
}

void Model::State::foresee(int layer, RoutingTrace& into) {
  if (layer == config.n_layers) return;
  for (int first = 0; first < n_active(); first += Foresight::kMostTokens) {
    const int n = std::min(Foresight::kMostTokens, n_active() - first);
    const int* chosen = foresight.foresee(layer, hidden, first, n);
    for (int i = 0; i < n; ++i) {
      const int position = active[static_cast<std::size_t>(first + i)].position;
      std::copy_n(chosen + i * config.n_experts_used, config.n_experts_used,
                  into.at(layer, position));
    }
  }
}

// Adds the attention's result, then the experts'. n_next_tokens: that go through the next layer.
Result<void> Model::State::mix_experts(int index, const LayerWeights& layer, int n_next_tokens,
                                       const RoutingHooks& hooks) {
  pool.parallel_for(n_active(), [&](int i, int) {
    const auto row = static_cast<std::size_t>(i);
    set.add_scaled(hidden.row(row), projected.row(row), 1.0F, config.hidden_size);
    set.rms_norm(hidden.row(row), layer.expert_norm, normed.row(row), config.hidden_size,
                 config.rms_epsilon);
  });
  for (std::size_t row = 0; row < active.size(); ++row) {
    const int position = active[row].position;
    const bool known = hooks.forced != nullptr && position < hooks.forced->n_tokens &&
                       hooks.forced->has(index, position);
    forced[row] = known ? hooks.forced->at(index, position) : nullptr;
  }
  clock.lap(&StageTimes::projections);
  experts.route(layer, normed, n_active(), forced.data());
  if (is_abandoned()) return {};
  experts.choose(index, n_active());
  foresight.learn_truth(index, experts.run());
  look_ahead(index, n_next_tokens, hooks);
  if (hooks.foreseen != nullptr) foresee(index + 1, *hooks.foreseen);
  clock.lap(&StageTimes::router);
  JEVONS_TRY(experts.mix(index, layer, hidden, n_active(), control.abandon));
  clock.lap(&StageTimes::experts);
  if (times != nullptr) times->n_experts += static_cast<std::uint64_t>(experts.n_run());
  if (hooks.recorded == nullptr) return {};
  for (int i = 0; i < n_active(); ++i) {
    const int position = active[static_cast<std::size_t>(i)].position;
    std::copy_n(experts.chosen(i), config.n_experts_used, hooks.recorded->at(index, position));
  }
  return {};
}

Result<void> Model::State::layer(int index, const RoutingHooks& hooks) {
  const LayerWeights& layer = weights.layers[static_cast<std::size_t>(index)];
  const bool last = index + 1 == config.n_layers;
  const int n_wanted = static_cast<int>(std::count_if(
      active.begin(), active.end(), [](const BatchToken& token) { return token.wants_logits; }));
  project_qkv(index, layer, last ? n_wanted : n_active());
  if (last) keep_only_wanted();
  if (active.empty()) return {};
  attend(index, layer);
  const bool next_is_last = index + 2 == config.n_layers;
  return mix_experts(index, layer, next_is_last ? n_wanted : n_active(), hooks);
}

// Every token of the batch, also those that did not come as far as the last layer's experts.
void Model::State::record(int index, std::span<const BatchToken> batch) {
  const auto n_used = static_cast<std::size_t>(config.n_experts_used);
  const bool last = index + 1 == config.n_layers;
  int row = 0;
  for (const BatchToken& token : batch) {
    const bool has_ended = last && !token.wants_logits;
    options.recorder->add(
        index, has_ended ? std::span<const int>() : std::span(experts.chosen(row++), n_used));
  }
}

void Model::State::project_logits(float* logits) {
  const Matrix& matrix = weights.output;
  encoded_hidden.clear();
  encoded_hidden.want(matrix.format);
  pool.parallel_for(n_active(), [&](int i, int) {
    const auto row = static_cast<std::size_t>(i);
    set.rms_norm(hidden.row(row), weights.output_norm, normed.row(row), config.hidden_size,
                 config.rms_epsilon);
    encoded_hidden.encode_row(i, normed.row(row));
  });
  for (std::size_t row = 0; row < active.size(); ++row) {
    x[0][row] = encoded_hidden.row(matrix.format, static_cast<int>(row));
    y[0][row] = logits + row * static_cast<std::size_t>(config.vocab_size);
  }
  const MatmulJob job{matrix, x[0].data(), y[0].data(), n_active()};
  linear.run({&job, 1});
}

Model::Model(const M2Weights& weights, const ModelOptions& options)
    : state_(std::make_unique<State>(weights, options)) {}
Model::~Model() = default;

const ModelConfig& Model::config() const { return state_->config; }
const kernels::KernelSet& Model::kernels() const { return state_->set; }
const KvLayout& Model::kv_layout() const { return state_->kv_layout; }
int Model::max_batch() const { return state_->options.max_batch; }
int Model::n_threads() const { return state_->pool.n_threads(); }

std::uint64_t Model::scratch_bytes(const ModelConfig& config, int max_batch) {
  const auto n = static_cast<std::uint64_t>(max_batch);
  const auto slots = n * static_cast<std::uint64_t>(config.n_experts_used);
  const auto hidden = static_cast<std::uint64_t>(config.hidden_size);
  const auto token_floats = 3 * hidden + 2 * static_cast<std::uint64_t>(config.q_size()) +
                            2 * static_cast<std::uint64_t>(config.kv_size());
  const auto slot_floats = 2 * static_cast<std::uint64_t>(config.expert_size) + hidden;
  // Encoded rows take at most a float for each input, in all formats together less than two.
  const auto encoded_floats = n * (4 * hidden + static_cast<std::uint64_t>(config.q_size())) +
                              slots * static_cast<std::uint64_t>(config.expert_size);
  return sizeof(float) * (n * token_floats + slots * slot_floats + encoded_floats);
}

void Model::State::pause_after(int index) {
  if (!control.between_layers || index + 1 == config.n_layers || is_abandoned()) return;
  is_given_up = !control.between_layers();
}

Result<void> Model::State::run(std::span<const BatchToken> batch, float* logits,
                               const RoutingHooks& hooks) {
  JEVONS_CHECK(!batch.empty() && static_cast<int>(batch.size()) <= options.max_batch);
  JEVONS_TRY(embed(batch));
  clock.lap(&StageTimes::embedding);
  for (int index = 0; index < config.n_layers && !is_abandoned(); ++index) {
    JEVONS_TRY(layer(index, hooks));
    if (options.recorder != nullptr && !is_abandoned()) record(index, batch);
    pause_after(index);
  }
  if (options.recorder != nullptr) options.recorder->flush();
  clock.lap(&StageTimes::projections);
  if (!active.empty() && !is_abandoned()) project_logits(logits);
  clock.lap(&StageTimes::head);
  return {};
}

Result<void> Model::forward(std::span<const BatchToken> batch, float* logits,
                            const RoutingHooks& hooks) {
  State& s = *state_;
  s.clock.restart(s.times);
  JEVONS_TRY(s.run(batch, logits, hooks));
  if (s.times == nullptr) return {};
  const ThreadPool::Waiting waiting = s.pool.take_waiting();
  s.times->waiting += waiting.seconds;
  s.times->n_loops += waiting.n_loops;
  return {};
}

void Model::time_stages(StageTimes* into) {
  if (into != nullptr) static_cast<void>(state_->pool.take_waiting());
  state_->times = into;
}

Foresight::Counts Model::foresight() const { return state_->foresight.counts(); }

Result<bool> Model::forward_unless(const PassControl& control, std::span<const BatchToken> batch,
                                   float* logits) {
  State& s = *state_;
  // A layer of a long prompt is too much to wait for: its loops stop as well, and what they leave
  // half done is never looked at.
  s.clock.restart(nullptr);
  s.pool.abandon_on(control.abandon);
  s.control = control;
  s.is_given_up = false;
  const Result<void> result = s.run(batch, logits, {});
  const bool was_given_up = s.is_abandoned();
  s.control = {};
  s.is_given_up = false;
  s.pool.abandon_on(nullptr);
  if (!result) return std::unexpected(result.error());
  return !was_given_up;
}

}  // namespace jevons
