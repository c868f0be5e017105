// From a request as a dialect understood it to requests to the engine. Any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <stop_token>
#include <string>
#include <vector>

#include "api/caller.h"
#include "api/generation.h"
#include "api/scripted_answers.h"
#include "engine/engine.h"

namespace jevons {

struct GenerationOptions {
  bool share_system_prefix = false;  // system prompts and tools are shared between scopes
  bool keep_nonces = false;          // of known clients, in the prompt (text/known_nonces.h)
  const ScriptedAnswers* script = nullptr;
  std::stop_token stop{};  // once requested, planning ends soon, with an error
};

struct GenerationPlan {
  struct Prompt {
    int n_tokens = 0;
    std::string text{};                 // with echo
    std::string opening{};              // of a chat, as ChatPrompt has it
    std::vector<int> message_begins{};  // likewise
    int tools_begin = 0, n_system_tokens = 0;
    int n_restored_reasonings = 0;
  };
  std::vector<Prompt> prompts;
  /// n for each prompt, of one prompt side by side.
  std::vector<CompletionRequest> completions;
  int n_per_prompt = 1;

  bool is_chat = true;
  bool prompt_only = false;
  bool parses_tool_calls = false;
  std::string call_id_prefix;
  std::vector<ToolDefinition> tools;
  bool wants_progress = false, wants_logprobs = false, is_streamed = false;
  std::vector<std::string> warnings;
  std::string thinking;  // as thinking_of()
};

/// What will be done about thinking, for the response header: "on", "off", "budget 1024".
[[nodiscard]] std::string thinking_of(const GenerationRequest& request);

/// Errors are the client's: a prompt that does not fit, a schema that cannot be held.
[[nodiscard]] std::expected<GenerationPlan, ApiError> plan_generation(
    const Engine& engine, GenerationRequest request, const Caller& caller,
    const GenerationOptions& options);

/// Tokens of the prompt, everything included.
[[nodiscard]] std::expected<int, ApiError> count_prompt_tokens(const Engine& engine,
                                                               const GenerationRequest& request,
                                                               const Caller& caller,
                                                               const GenerationOptions& options);

}  // namespace jevons
