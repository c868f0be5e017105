#include "api/server_metrics.h"

#include <string_view>

#include "api/process_facts.h"

namespace jevons {
namespace {

constexpr double kLongBounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,   2.5,
                                  5,    10,    30,   60,  120,  300, 600, 1800};
constexpr double kTokenBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                   0.1,   0.25,   0.5,   1,    2.5,   10};

constexpr std::pair<EngineStatus::Sequence::Phase, const char*> kPhases[] = {
    {EngineStatus::Sequence::Phase::kQueued, "queued"},
    {EngineStatus::Sequence::Phase::kWaitingForPrefix, "waiting_for_prefix"},
    {EngineStatus::Sequence::Phase::kLoading, "loading"},
    {EngineStatus::Sequence::Phase::kPrompt, "prompt"},
    {EngineStatus::Sequence::Phase::kAnswer, "answer"},
    {EngineStatus::Sequence::Phase::kPaused, "paused"},
};

double as_number(std::uint64_t count) { return static_cast<double>(count); }

void write_requests(PrometheusText& out, const EngineStatus& s) {
  out.family("jevons_engine_requests_total", "counter", "requests to the engine by outcome");
  out.sample(as_number(s.n_accepted), {{"outcome", "accepted"}});
  out.sample(as_number(s.n_finished), {{"outcome", "finished"}});
  out.sample(as_number(s.n_cancelled), {{"outcome", "cancelled"}});
  out.sample(as_number(s.n_failed), {{"outcome", "failed"}});
  out.sample(as_number(s.n_rejected), {{"outcome", "rejected"}});
  out.family("jevons_sequences", "gauge", "sequences by phase");
  for (const auto& [phase, name] : kPhases) {
    double n = 0;
    for (const auto& sequence : s.sequences) n += sequence.phase == phase ? 1 : 0;
    out.sample(n, {{"phase", name}});
  }
  out.counter("jevons_prompt_tokens_total", "tokens of prompts, cached ones included",
              as_number(s.n_prompt_tokens));
  out.counter("jevons_cached_tokens_total", "tokens of prompts that were not computed again",
              as_number(s.n_cached_tokens));
  out.counter("jevons_disk_tokens_total", "of those, tokens that were read from disk",
              as_number(s.n_disk_tokens));
  out.counter("jevons_generated_tokens_total", "tokens written", as_number(s.n_generated_tokens));
  out.counter("jevons_drafted_tokens_total", "tokens that were guessed ahead",
              as_number(s.n_drafted_tokens));
  out.counter("jevons_accepted_drafts_total", "of those, tokens that came true",
              as_number(s.n_accepted_drafts));
}

// Only of a model that is larger than memory.
void write_experts(PrometheusText& out, const EngineStatus::Experts& e) {
  if (!e.enabled) return;
  out.gauge("jevons_experts_memory_bytes", "memory that experts may take",
            as_number(e.memory_bytes));
  out.gauge("jevons_experts_held_bytes", "memory that experts take", as_number(e.held_bytes));
  out.gauge("jevons_experts_resident_ratio", "share of all experts in memory", e.resident_share);
  out.family("jevons_experts_used_total", "counter",
             "experts that layers needed, by where they were");
  out.sample(as_number(e.n_hits), {{"from", "memory"}});
  out.sample(as_number(e.n_foreseen), {{"from", "foreseen"}});
  out.sample(as_number(e.n_missed), {{"from", "disk"}});
  out.counter("jevons_experts_foreseen_in_time_total", "foreseen ones that had come when needed",
              as_number(e.n_foreseen_in_time));
  out.counter("jevons_expert_guesses_total", "experts named ahead of their layer",
              as_number(e.n_guessed));
  out.counter("jevons_expert_guesses_right_total", "of those, that came true",
              as_number(e.n_guessed_right));
  out.counter("jevons_expert_guessable_total", "experts chosen in layers with a guess",
              as_number(e.n_guessable));
  out.counter("jevons_expert_wrong_reads_total", "reads begun on a guess that did not come true",
              as_number(e.n_wrong_reads));
  out.counter("jevons_expert_bytes_read_total", "read from disk", as_number(e.n_bytes_read));
  out.counter("jevons_expert_failed_reads_total", "reads that failed", as_number(e.n_failed_reads));
  out.counter("jevons_expert_disk_seconds_total", "time in which experts were being read",
              e.disk_seconds);
  out.counter("jevons_expert_waiting_seconds_total", "time that the engine waited for experts",
              e.waiting_seconds);
}

void write_engine(PrometheusText& out, const EngineStatus& s) {
  write_requests(out, s);
  out.counter("jevons_engine_steps_total", "steps of the engine", as_number(s.n_steps));
  out.counter("jevons_preempted_total", "sequences that were set back for others",
              as_number(s.n_preempted));
  out.counter("jevons_engine_busy_seconds_total", "time that the engine's thread worked",
              s.busy_seconds);
  out.gauge("jevons_prompt_tokens_per_second", "lately", s.prompt_tokens_per_s);
  out.gauge("jevons_generated_tokens_per_second", "lately", s.generated_tokens_per_s);
  out.gauge("jevons_seconds_since_progress", "since the engine's last step, or since it was idle",
            s.seconds_since_progress);
  out.family("jevons_kv_pages", "gauge", "pages of keys and values in memory");
  out.sample(s.n_pages_total, {{"state", "total"}});
  out.sample(s.n_pages_used, {{"state", "used"}});
  out.sample(s.n_pages_cached, {{"state", "cached"}});
  out.gauge("jevons_kv_page_bytes", "size of one page", as_number(s.page_bytes));
  write_experts(out, s.experts);
  if (!s.disk.enabled) return;
  out.gauge("jevons_disk_cache_bytes", "size of the cache on disk", as_number(s.disk.bytes));
  out.gauge("jevons_disk_cache_max_bytes", "its limit", as_number(s.disk.max_bytes));
  out.gauge("jevons_disk_written_today_bytes", "of the daily limit",
            as_number(s.disk.written_today_bytes));
  out.gauge("jevons_disk_cache_pages", "pages on disk", as_number(s.disk.n_pages));
  out.counter("jevons_disk_pages_read_total", "pages read", as_number(s.disk.n_pages_read));
  out.counter("jevons_disk_pages_written_total", "pages written",
              as_number(s.disk.n_pages_written));
  out.counter("jevons_disk_pages_bad_total", "pages that were damaged or torn",
              as_number(s.disk.n_pages_bad));
  out.counter("jevons_disk_pages_left_out_total",
              "pages not written: queue or limit full, or an error",
              as_number(s.disk.n_pages_left_out));
}

void write_energy(PrometheusText& out, const EnergyMeterStatus& e) {
  out.family("jevons_engine_energy_joules_total", "counter",
             "energy of the host while it could be measured");
  out.sample(e.host_joules, {{"source", e.source}});
  out.family("jevons_engine_energy_attributed_joules_total", "counter",
             "of that, what requests took, running ones too");
  out.sample(e.attributed_joules, {{"source", e.source}});
  out.counter("jevons_energy_blind_seconds_total", "time in which a sensor could not be read",
              e.blind_seconds);
  if (e.watts) out.gauge("jevons_power_watts", "of the host, lately", *e.watts);
  if (e.idle_watts) out.gauge("jevons_idle_power_watts", "of the host when idle", *e.idle_watts);
}

void write_books(PrometheusText& out, const BookkeeperStatus& books) {
  if (books.energy) write_energy(out, *books.energy);
  out.family("jevons_requests_accounted_total", "counter",
             "requests that are over, by whether their energy is known");
  out.sample(as_number(books.requests.n_measured), {{"energy", "known"}});
  out.sample(as_number(books.requests.n_unmeasured), {{"energy", "unknown"}});
  if (books.energy) {
    out.counter("jevons_requests_energy_joules_total", "energy of requests that are over",
                books.requests.joules);
    out.counter("jevons_requests_marginal_energy_joules_total",
                "the same without their share of idle power, where that is known",
                books.requests.marginal_joules);
  }
  if (!books.tariff.empty()) {
    out.family("jevons_requests_cost", "gauge",
               "cost of requests that are over; prices may be negative");
    out.sample(books.requests.cost, {{"currency", books.currency}});
    if (books.price) {
      out.family("jevons_energy_price", "gauge", "of a kilowatt-hour now");
      out.sample(*books.price, {{"currency", books.currency}});
    }
  }
  if (!books.ledger && books.ledger_problem.empty()) return;
  out.gauge("jevons_ledger_ok", "1 if requests are written to the ledger",
            std::string_view(books.ledger_word()) == "ok" ? 1 : 0);
  if (!books.ledger) return;
  out.counter("jevons_ledger_rows_total", "rows written", as_number(books.ledger->n_written));
  out.gauge("jevons_ledger_rows_waiting", "rows not written yet",
            as_number(books.ledger->n_waiting));
  out.counter("jevons_ledger_rows_lost_total", "rows that could not be written",
              as_number(books.ledger->n_lost));
}

void write_process(PrometheusText& out) {
  const ProcessFacts facts = process_facts();
  out.counter("process_cpu_seconds_total", "CPU time of this process", facts.cpu_seconds);
  out.gauge("process_resident_memory_bytes", "memory in RAM", as_number(facts.resident_bytes));
  out.gauge("process_virtual_memory_bytes", "address space", as_number(facts.virtual_bytes));
  out.gauge("process_open_fds", "open file descriptors", facts.n_open_files);
  out.gauge("process_max_fds", "their limit", facts.n_max_files);
  out.gauge("process_start_time_seconds", "seconds since 1970", facts.started_at);
}

}  // namespace

ServerMetrics::ServerMetrics()
    : first_token_s_(kLongBounds),
      token_gap_s_(kTokenBounds),
      queue_s_(kLongBounds),
      request_s_(kLongBounds) {}

void ServerMetrics::count(const std::string& route, int status, double seconds,
                          const RequestRecord& record) {
  ++n_requests_[{route, status}];
  if (status == 200 && !record.error.empty()) ++n_failed_late_;
  if (!record.is_generation) return;
  request_s_.observe(seconds);
  if (record.first_token_ms) {
    first_token_s_.observe(*record.first_token_ms / 1000);
    queue_s_.observe(record.queue_ms / 1000);
  }
  for (const double gap_ms : record.token_gaps_ms) token_gap_s_.observe(gap_ms / 1000);
}

std::string ServerMetrics::text(const HttpCounts& http, const EngineStatus* engine, int n_running,
                                const BookkeeperStatus* books) const {
  PrometheusText out;
  out.family("jevons_http_requests_total", "counter",
             "requests by path and status; 0: the client left before an answer");
  for (const auto& [key, n] : n_requests_) {
    out.sample(as_number(n), {{"path", key.first}, {"code", std::to_string(key.second)}});
  }
  out.counter("jevons_http_requests_failed_late_total",
              "requests with code 200 that ended in an error after their head was sent",
              as_number(n_failed_late_));
  out.gauge("jevons_http_requests_running", "requests that are being answered", n_running);
  out.gauge("jevons_http_connections", "open connections", http.n_connections);
  out.counter("jevons_http_connections_total", "connections so far", as_number(http.n_accepted));
  out.counter("jevons_http_connections_refused_total", "connections beyond the limit",
              as_number(http.n_refused));
  out.counter("jevons_http_received_bytes_total", "bytes from clients",
              as_number(http.n_received_bytes));
  out.counter("jevons_http_sent_bytes_total", "bytes to clients", as_number(http.n_sent_bytes));
  const auto histogram = [&](const char* name, const char* help, const Histogram& values) {
    out.family(name, "histogram", help);
    out.histogram(values);
  };
  histogram("jevons_time_to_first_token_seconds", "from the request to its first token",
            first_token_s_);
  histogram("jevons_inter_token_seconds", "between tokens of one answer", token_gap_s_);
  histogram("jevons_queue_seconds", "that requests waited for their turn", queue_s_);
  histogram("jevons_request_seconds", "from the request to the end of its answer", request_s_);
  out.gauge("jevons_model_loaded", "1 if the model is there", engine != nullptr ? 1 : 0);
  if (engine != nullptr) write_engine(out, *engine);
  if (books != nullptr) write_books(out, *books);
  write_process(out);
  return out.take();
}

}  // namespace jevons
