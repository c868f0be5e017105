// What the access log and the metrics say of one request. Plain data, filled in by whoever knows;
// one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "meter/energy_meter.h"

namespace jevons {

struct RequestRecord {
  std::chrono::steady_clock::time_point received{};
  std::int64_t received_unix_ms = 0;
  std::string request_id{};
  std::string key_name{};
  bool is_generation = false;

  int n_prompt_tokens = 0, n_cached_tokens = 0, n_answer_tokens = 0;
  std::optional<double> first_token_ms{};
  double queue_ms = 0, prompt_ms = 0, generation_ms = 0;
  std::string stop_reason{};            // of the first answer
  std::string error{};                  // the message that the client got
  std::vector<double> token_gaps_ms{};  // between tokens of one answer, on the engine's clock

  // For the ledger.
  std::string client{}, model{};
  bool is_background = false;
  std::vector<CompletionId> completions{};  // that the engine accepted
  bool is_settled = false;                  // `energy` is all that will be known
  std::optional<EnergyUse> energy{};

  // With --log-content alone.
  std::string prompt_text{}, answer_text{};
};

}  // namespace jevons
