// What is said about an answer beside its text. Pure; any thread.
#pragma once

#include <string>

#include "app/chat_session.h"

namespace jevons {

/// "prompt 120 tokens (100 cached), 310/s; answer 42, 52.1/s": fits a narrow line.
[[nodiscard]] std::string speed_line(const Answer& answer);

/// "energy 84.1 J (0.0234 Wh), 0.00000748 EUR; partial, by rapl"; empty if it is not known.
[[nodiscard]] std::string energy_line(const Answer& answer);

/// "context 162/32768"
[[nodiscard]] std::string context_line(int n_used, int n_context);

/// One JSON object: text, reasoning, tool_calls, tokens, timings, energy if it is
/// known, stop_reason, seed, model.
[[nodiscard]] std::string answer_json(const Answer& answer, const ModelFacts& facts);

}  // namespace jevons
