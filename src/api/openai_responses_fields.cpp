#include "api/openai_responses_fields.h"

#include <array>

namespace jevons {
namespace {

constexpr FieldUse kHonoured = FieldUse::kHonoured;
constexpr FieldUse kIgnored = FieldUse::kIgnored;
constexpr FieldUse kRefused = FieldUse::kRefused;

constexpr std::array kFields{
    FieldRule{"background", kRefused, "true: an answer is a stream or is waited for"},
    FieldRule{"client_metadata", kIgnored, "what Codex says of itself"},
    FieldRule{"context_management", kIgnored, "with a warning: conversations are not compacted"},
    FieldRule{"conversation", kRefused, "use previous_response_id"},
    FieldRule{"include[]", kHonoured,
              "reasoning.encrypted_content, message.output_text.logprobs; others have no effect"},
    FieldRule{"input", kHonoured, "a text, or a list of items"},
    FieldRule{"input[].type", kHonoured,
              "message, reasoning, calls and outputs of functions, custom tools, shell and "
              "apply_patch; others are left out with a warning"},
    FieldRule{"input[].role", kHonoured, "developer is system"},
    FieldRule{"input[].content", kHonoured, ""},
    FieldRule{"input[].content[].text", kHonoured, ""},
    FieldRule{"input[].content[].refusal", kHonoured, "as text"},
    FieldRule{"input[].content[].image_url", kIgnored, "with a warning: the model reads text only"},
    FieldRule{"input[].content[].file_data", kIgnored, "with a warning"},
    FieldRule{"input[].content[].file_id", kIgnored, "with a warning"},
    FieldRule{"input[].content[].file_url", kIgnored, "with a warning"},
    FieldRule{"input[].content[].annotations", kIgnored, ""},
    FieldRule{"input[].content[].logprobs", kIgnored, ""},
    FieldRule{"input[].content[].prompt_cache_breakpoint", kIgnored, "every common prefix is used"},
    FieldRule{"input[].phase", kIgnored, ""},
    FieldRule{"input[].status", kIgnored, ""},
    FieldRule{"input[].id", kHonoured, "of an item_reference; kept of others"},
    FieldRule{"input[].call_id", kHonoured, ""},
    FieldRule{"input[].name", kHonoured, ""},
    FieldRule{"input[].namespace", kHonoured, ""},
    FieldRule{"input[].arguments", kHonoured, "a string with a JSON object, or the object"},
    FieldRule{"input[].input", kHonoured, "of a custom_tool_call"},
    FieldRule{"input[].action", kHonoured, "of shell_call and local_shell_call"},
    FieldRule{"input[].operation", kHonoured, "of apply_patch_call"},
    FieldRule{"input[].output", kHonoured, "a string or a list of parts"},
    FieldRule{"input[].encrypted_content", kHonoured, "our own; another service's is left out"},
    FieldRule{"input[].summary", kHonoured, "where there is neither of the two others"},
    FieldRule{"input[].tools", kHonoured, "of additional_tools and tool_search_output"},
    FieldRule{"instructions", kHonoured, "before all else, as system text"},
    FieldRule{"max_output_tokens", kHonoured, "at most what the context leaves"},
    FieldRule{"max_tool_calls", kIgnored, "counts tools that a service runs; there are none"},
    FieldRule{"metadata", kIgnored, "echoed"},
    FieldRule{"model", kIgnored, "echoed: there is one model"},
    FieldRule{"moderation", kRefused, "there is none"},
    FieldRule{"parallel_tool_calls", kHonoured, ""},
    FieldRule{"previous_response_id", kHonoured,
              "of a stored response to the same key; its instructions are not carried over"},
    FieldRule{"prompt", kRefused, "there are no stored prompts"},
    FieldRule{"prompt_cache_key", kIgnored, "the cache finds prompts by their content"},
    FieldRule{"prompt_cache_options", kIgnored, ""},
    FieldRule{"prompt_cache_retention", kIgnored, ""},
    FieldRule{"reasoning.effort", kHonoured, "none closes the reasoning; others leave it open"},
    FieldRule{"reasoning.summary", kHonoured,
              "the reasoning is told as a summary: all of it, as it was written"},
    FieldRule{"reasoning.generate_summary", kHonoured, "the older name of reasoning.summary"},
    FieldRule{"reasoning.context", kIgnored, ""},
    FieldRule{"reasoning.mode", kIgnored, ""},
    FieldRule{"return_progress", kHonoured,
              "ours: events of type keepalive with prompt_progress while the prompt is read"},
    FieldRule{"safety_identifier", kIgnored, "echoed"},
    FieldRule{"service_tier", kHonoured, "flex waits for other work; others are one class"},
    FieldRule{"store", kHonoured, "true if absent"},
    FieldRule{"stream", kHonoured, ""},
    FieldRule{"stream_options.include_obfuscation", kIgnored, "nothing is padded"},
    FieldRule{"temperature", kHonoured, "0 to 2"},
    FieldRule{"text.format", kHonoured, "text, json_object, json_schema"},
    FieldRule{"text.format.schema", kHonoured, ""},
    FieldRule{"text.format.strict", kHonoured,
              "true: a keyword that cannot be held is an error; else a warning"},
    FieldRule{"text.format.name", kIgnored, ""},
    FieldRule{"text.format.description", kIgnored, ""},
    FieldRule{"text.verbosity", kIgnored, ""},
    FieldRule{"tool_choice", kHonoured,
              "auto, none, required, a function, a custom tool, allowed_tools; hosted tools are "
              "refused"},
    FieldRule{"tools[].type", kHonoured,
              "function, custom and namespace; others are left out with a warning"},
    FieldRule{"tools[].name", kHonoured, "in a namespace: NAMESPACE__NAME to the model"},
    FieldRule{"tools[].description", kHonoured, "ignored of a namespace"},
    FieldRule{"tools[].parameters", kHonoured, ""},
    FieldRule{"tools[].tools", kHonoured, "of a namespace"},
    FieldRule{"tools[].format", kHonoured,
              "of a custom tool: a grammar is shown to the model, not enforced"},
    FieldRule{"tools[].strict", kIgnored, "arguments are always held to the schema"},
    FieldRule{"tools[].defer_loading", kIgnored, "every tool is loaded at once"},
    FieldRule{"tools[].allowed_callers", kIgnored, ""},
    FieldRule{"tools[].output_schema", kIgnored, ""},
    FieldRule{"top_logprobs", kHonoured, "0 to 20"},
    FieldRule{"top_p", kHonoured, "0 to 1"},
    FieldRule{"truncation", kIgnored,
              "with a warning if auto: a conversation that is too long is an error"},
    FieldRule{"user", kIgnored, "echoed"},
};

}  // namespace

std::span<const FieldRule> responses_fields() { return kFields; }

}  // namespace jevons
