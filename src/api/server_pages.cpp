#include "api/server_pages.h"

#include <time.h>

#include <array>
#include <nlohmann/json.hpp>

#include "api/routes.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

std::string rfc3339(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), n};
}

std::string_view phase_name(EngineStatus::Sequence::Phase phase) {
  using enum EngineStatus::Sequence::Phase;
  switch (phase) {
    case kQueued:
      return "queued";
    case kWaitingForPrefix:
      return "waiting_for_prefix";
    case kLoading:
      return "loading";
    case kPrompt:
      return "prompt";
    case kAnswer:
      return "answer";
    case kPaused:
      return "paused";
  }
  return "?";
}

Json sequence_json(const EngineStatus::Sequence& sequence) {
  Json json{{"id", sequence.id},
            {"client", utf8_sanitize(sequence.client)},
            {"priority", sequence.priority == Priority::kBackground ? "background" : "interactive"},
            {"phase", phase_name(sequence.phase)},
            {"n_prompt_tokens", sequence.n_prompt_tokens},
            {"n_prompt_done", sequence.n_prompt_done},
            {"n_generated", sequence.n_generated},
            {"age_s", sequence.age_s}};
  if (sequence.prompt_eta_s) json["prompt_eta_s"] = *sequence.prompt_eta_s;
  return json;
}

// A client is called by its key's name (caller_of).
bool may_see(const ApiKey* viewer, const EngineStatus::Sequence& sequence) {
  return viewer == nullptr || viewer->sees_all || viewer->name == sequence.client;
}

void add_sequences(Json& page, const EngineStatus& s, const ApiKey* viewer) {
  Json shown = Json::array();
  for (const auto& sequence : s.sequences) {
    if (may_see(viewer, sequence)) shown.push_back(sequence_json(sequence));
  }
  page["n_sequences"] = s.sequences.size();
  page["sequences"] = std::move(shown);
}

Json experts_json(const EngineStatus::Experts& e) {
  if (!e.enabled) return Json{{"streamed", false}};
  return Json{{"streamed", true},
              {"memory_bytes", e.memory_bytes},
              {"held_bytes", e.held_bytes},
              {"resident_share", e.resident_share},
              {"n_needed", e.n_needed},
              {"n_from_memory", e.n_hits},
              {"n_foreseen", e.n_foreseen},
              {"n_foreseen_in_time", e.n_foreseen_in_time},
              {"n_from_disk", e.n_missed},
              {"n_guessed", e.n_guessed},
              {"n_guessed_right", e.n_guessed_right},
              {"n_guessable", e.n_guessable},
              {"n_wrong_reads", e.n_wrong_reads},
              {"n_bytes_read", e.n_bytes_read},
              {"n_failed_reads", e.n_failed_reads},
              {"disk_seconds", e.disk_seconds},
              {"waiting_seconds", e.waiting_seconds},
              {"waiting_since_s", e.waiting_since_s},
              {"reads_by", e.method},
              {"bypasses_page_cache", e.bypasses_page_cache}};
}

void add_engine(Json& page, const EngineStatus& s) {
  page["has_work"] = s.has_work;
  page["seconds_since_progress"] = s.seconds_since_progress;
  page.update(Json{{"n_accepted", s.n_accepted},
                   {"n_finished", s.n_finished},
                   {"n_cancelled", s.n_cancelled},
                   {"n_failed", s.n_failed},
                   {"n_rejected", s.n_rejected},
                   {"n_prompt_tokens", s.n_prompt_tokens},
                   {"n_cached_tokens", s.n_cached_tokens},
                   {"n_disk_tokens", s.n_disk_tokens},
                   {"n_generated_tokens", s.n_generated_tokens},
                   {"n_drafted_tokens", s.n_drafted_tokens},
                   {"n_accepted_drafts", s.n_accepted_drafts},
                   {"n_steps", s.n_steps},
                   {"n_preempted", s.n_preempted},
                   {"n_steps_between", s.n_steps_between},
                   {"prompt_tokens_per_s", s.prompt_tokens_per_s},
                   {"generated_tokens_per_s", s.generated_tokens_per_s},
                   {"busy_seconds", s.busy_seconds},
                   {"n_pages_total", s.n_pages_total},
                   {"n_pages_used", s.n_pages_used},
                   {"n_pages_cached", s.n_pages_cached},
                   {"page_bytes", s.page_bytes}});
  page["disk"] = Json{{"enabled", s.disk.enabled},
                      {"bytes", s.disk.bytes},
                      {"max_bytes", s.disk.max_bytes},
                      {"written_today_bytes", s.disk.written_today_bytes},
                      {"daily_write_bytes", s.disk.daily_write_bytes},
                      {"n_pages", s.disk.n_pages},
                      {"n_pages_read", s.disk.n_pages_read},
                      {"n_pages_written", s.disk.n_pages_written},
                      {"n_pages_bad", s.disk.n_pages_bad},
                      {"n_pages_left_out", s.disk.n_pages_left_out}};
  page["experts"] = experts_json(s.experts);
}

Json preparation_json(const PreparationLoad& load) {
  return Json{{"n_requests", load.n_requests}, {"oldest_s", load.oldest_s}};
}

// Addresses, paths, and what is wrong with them are for who may see everything.
bool sees_places(const ApiKey* viewer) { return viewer == nullptr || viewer->sees_all; }

Json energy_json(const EnergyMeterStatus& e, const ApiKey* viewer) {
  Json json{{"source", e.source}, {"confidence", e.confidence}};
  if (sees_places(viewer)) json["of"] = utf8_sanitize(e.what);
  if (e.watts) json["watts"] = *e.watts;
  if (e.idle_watts) json["idle_watts"] = *e.idle_watts;
  json["idle_watts_are"] = e.idle_origin;
  json["host_joules"] = e.host_joules;
  json["request_joules"] = e.attributed_joules;
  json["blind_seconds"] = e.blind_seconds;
  json["can_be_read"] = e.problem.empty();
  if (!e.problem.empty() && sees_places(viewer)) json["problem"] = utf8_sanitize(e.problem);
  return json;
}

Json ledger_json(const LedgerStatus& l, const ApiKey* viewer) {
  Json json{{"n_written", l.n_written}, {"n_waiting", l.n_waiting}, {"n_lost", l.n_lost}};
  if (!sees_places(viewer)) return json;
  json["path"] = utf8_sanitize(l.path);
  if (!l.problem.empty()) json["problem"] = utf8_sanitize(l.problem);
  return json;
}

void add_books(Json& page, const BookkeeperStatus& books, const ApiKey* viewer) {
  Json energy = books.energy ? energy_json(*books.energy, viewer) : Json{{"source", nullptr}};
  if (!books.energy && sees_places(viewer)) {
    Json missing = Json::array();
    for (const std::string& one : books.missing) missing.push_back(utf8_sanitize(one));
    energy["looked_for"] = std::move(missing);
  }
  page["energy"] = std::move(energy);
  if (!books.tariff.empty()) {
    Json tariff{{"currency", utf8_sanitize(books.currency)}};
    if (sees_places(viewer)) tariff["of"] = utf8_sanitize(books.tariff);
    if (books.price) tariff["price_per_kwh"] = *books.price;
    if (!books.tariff_problem.empty() && sees_places(viewer))
      tariff["problem"] = utf8_sanitize(books.tariff_problem);
    page["tariff"] = std::move(tariff);
  }
  Json ledger = books.ledger ? ledger_json(*books.ledger, viewer) : Json::object();
  if (!books.ledger_problem.empty() && sees_places(viewer))
    ledger["problem"] = utf8_sanitize(books.ledger_problem);
  ledger["status"] = books.ledger_word();
  page["ledger"] = std::move(ledger);
}

// What a key has used today, beside what it may.
Json use_json(const KeyUse& use, const ApiKey& key, const std::string& currency) {
  Json json{{"key", key.name}, {"tokens", use.tokens}, {"watt_hours", use.joules / 3600}};
  if (!currency.empty()) json["money"] = use.cost;
  if (key.budget.tokens > 0) json["tokens_per_day"] = key.budget.tokens;
  if (key.budget.watt_hours > 0) json["watt_hours_per_day"] = key.budget.watt_hours;
  if (key.budget.money > 0) json["money_per_day"] = key.budget.money;
  return json;
}

Json model_json(const ModelFacts& facts, const std::string& id, std::int64_t created) {
  return Json{{"id", id},
              {"object", "model"},
              {"type", "model"},
              {"created", created},
              {"created_at", rfc3339(created)},
              {"owned_by", "jevons"},
              {"display_name", utf8_sanitize(facts.name)},
              {"context_length", facts.context_length},
              {"context_window", facts.context_length},
              {"max_model_len", facts.context_length},
              {"max_input_tokens", facts.context_length},
              {"max_tokens", facts.context_length},
              {"trained_context_length", facts.model_context_length},
              {"quantization", facts.quantisation},
              {"n_parameters", facts.n_parameters},
              {"size_bytes", facts.weight_bytes}};
}

}  // namespace

std::string_view ServerHealth::word() const {
  if (is_stopping) return "stopping";
  if (!engine) return "loading";
  return is_stalled() ? "stalled" : "ok";
}

std::string health_page(const ServerHealth& health) {
  Json page{{"status", health.word()},
            {"live", !health.is_stalled()},
            {"ready", health.is_ready()},
            {"model", utf8_sanitize(health.model_name)}};
  if (!health.engine) {
    page["loading"] = Json{{"phase", "opening the model"}, {"seconds", health.loading_seconds}};
  } else {
    page["has_work"] = health.engine->has_work;
    page["seconds_since_progress"] = health.engine->seconds_since_progress;
    page["n_sequences"] = health.engine->sequences.size();
    page["preparation"] = preparation_json(health.preparation);
  }
  if (health.books) page["ledger"] = health.books->ledger_word();
  return page.dump() + "\n";
}

std::string status_page(const ServerHealth& health, const ModelFacts* facts, const HttpCounts& http,
                        int n_running, const ApiKey* viewer, const std::optional<KeyUse>& use) {
  Json page{{"status", health.word()}};
  if (facts != nullptr) {
    page["model"] = Json{{"name", utf8_sanitize(facts->name)},
                         {"file", utf8_sanitize(health.model_name)},
                         {"fingerprint", facts->fingerprint},
                         {"quantization", facts->quantisation},
                         {"context_length", facts->context_length},
                         {"trained_context_length", facts->model_context_length},
                         {"n_threads", facts->n_threads},
                         {"kernels", facts->kernels},
                         {"weight_bytes", facts->weight_bytes},
                         {"kv_bytes_per_token", facts->kv_bytes_per_token}};
  }
  page["loading_seconds"] = health.loading_seconds;
  page["http"] = Json{{"n_connections", http.n_connections},
                      {"n_accepted", http.n_accepted},
                      {"n_refused", http.n_refused},
                      {"n_running", n_running}};
  page["preparation"] = preparation_json(health.preparation);
  if (health.books) add_books(page, *health.books, viewer);
  if (use) page["today"] = use_json(*use, *viewer, health.books ? health.books->currency : "");
  if (health.engine) {
    add_sequences(page, *health.engine, viewer);
    add_engine(page, *health.engine);
  }
  return page.dump() + "\n";
}

std::string model_id_of(std::string_view model_name) {
  std::string id;
  for (const char c : model_name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (is_plain) {
      id += c;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  while (id.ends_with('-')) id.pop_back();
  return id.empty() ? "model" : id;
}

std::string models_page(const ModelFacts& facts, const std::string& id, std::int64_t created) {
  const Json page{{"object", "list"},
                  {"data", Json::array({model_json(facts, id, created)})},
                  {"first_id", id},
                  {"last_id", id},
                  {"has_more", false}};
  return page.dump() + "\n";
}

std::string model_page(const ModelFacts& facts, const std::string& id, std::int64_t created) {
  return model_json(facts, id, created).dump() + "\n";
}

std::string index_page() {
  std::string page = "Jevons: a server for language models.\n\n";
  for (const Route& route : route_table()) {
    if (route.action == RouteAction::kAbsent) continue;
    page += fmt::format("{:6} {:31} {}\n", route.method, route.path, route.help);
  }
  return page;
}

}  // namespace jevons
