#include "api/openai_chat_writer.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/openai_chat_json.h"
#include "api/openai_errors.h"
#include "api/openai_response.h"
#include "text/json_value.h"

namespace jevons {
namespace {

/// What both kinds of writer know of a request.
struct ChatTerms {
  std::string head;
  int n_choices;
  bool shows_reasoning;
  OpenAiWishes wishes;

  ChatTerms(const GenerationRequest& request, const ResponseContext& context,
            std::string_view object)
      : head(openai_response_head("chatcmpl-", object, request, context)),
        n_choices(request.n),
        shows_reasoning(request.thinking.shown),
        wishes(openai_wishes(request)) {}

  [[nodiscard]] std::string_view finish_reason(const ChoiceEnd& end, bool call_was_cut) const {
    const std::string_view reason = openai_finish_reason(end, call_was_cut);
    return reason == "tool_calls" && wishes.legacy_function_call ? "function_call" : reason;
  }
};

class ChatStream final : public ResponseWriter {
 public:
  ChatStream(const GenerationRequest& request, const ResponseContext& context)
      : terms_(request, context, "chat.completion.chunk"),
        call_was_cut_(static_cast<std::size_t>(request.n)) {}

  std::string start(const Started&) override {
    std::string bytes;
    for (int choice = 0; choice < terms_.n_choices; ++choice) {
      bytes += chunk(choice, R"("role":"assistant","content":"","refusal":null)");
    }
    return bytes;
  }

  std::string progress(const Progress& progress) override {
    return openai_event(openai_progress_json(terms_.head, progress));
  }

  std::string output(const ChoiceOutput& output) override {
    return std::visit([&](const auto& event) { return write(output, event); }, output.event);
  }

  std::string end_choice(const ChoiceEnd& end) override {
    const bool cut = call_was_cut_.at(static_cast<std::size_t>(end.choice));
    return chunk(end.choice, "", "null", terms_.finish_reason(end, cut));
  }

  std::string finish(const Finished& finished) override {
    std::string bytes;
    if (terms_.wishes.include_usage) {
      bytes = openai_event(
          fmt::format(R"({},"choices":[],"usage":{}}})", terms_.head, openai_usage_json(finished)));
    }
    bytes += kOpenAiDone;
    return bytes;
  }

  std::string fail(const ApiError& error) override {
    return fmt::format("{}{}", openai_event(openai_error_body(error)), kOpenAiDone);
  }

  std::string ping() override { return ": ping\n\n"; }

 private:
  std::string write(const ChoiceOutput& output, const ReasoningDelta& delta) {
    if (!terms_.shows_reasoning) return {};
    return chunk(output.choice, reasoning_members(delta.text, terms_.wishes.reasoning_details),
                 logprobs_of(output));
  }

  std::string write(const ChoiceOutput& output, const TextDelta& delta) {
    return chunk(output.choice, fmt::format(R"("content":{})", json_string(delta.text)),
                 logprobs_of(output));
  }

  std::string write(const ChoiceOutput& output, const ToolCallBegin& begin) {
    if (terms_.wishes.legacy_function_call) {
      if (begin.index > 0) return {};
      return chunk(output.choice, fmt::format(R"("function_call":{{"name":{},"arguments":""}})",
                                              json_string(begin.name)));
    }
    const ToolCall call{.id = begin.id, .name = begin.name, .arguments = ""};
    return chunk(output.choice,
                 fmt::format(R"("tool_calls":[{}])", tool_call_json(begin.index, call)));
  }

  std::string write(const ChoiceOutput& output, const ToolArgumentsDelta& delta) {
    if (terms_.wishes.legacy_function_call) {
      if (delta.index > 0) return {};
      return chunk(output.choice,
                   fmt::format(R"("function_call":{{"arguments":{}}})", json_string(delta.json)));
    }
    return chunk(output.choice,
                 fmt::format(R"("tool_calls":[{{"index":{},"function":{{"arguments":{}}}}}])",
                             delta.index, json_string(delta.json)));
  }

  std::string write(const ChoiceOutput& output, const ToolCallEnd& end) {
    if (!end.complete) call_was_cut_.at(static_cast<std::size_t>(output.choice)) = true;
    return {};
  }

  /// It comes back in the report.
  std::string write(const ChoiceOutput&, const OutputWarning&) { return {}; }

  static std::string logprobs_of(const ChoiceOutput& output) {
    if (output.tokens.empty()) return "null";
    ChatTokens tokens;
    tokens.add(output);
    return chat_logprobs_json(tokens);
  }

  [[nodiscard]] std::string chunk(int choice, std::string_view delta,
                                  std::string_view logprobs = "null",
                                  std::string_view finish_reason = "") const {
    return fmt::format(
        "data: {},\"choices\":[{{\"index\":{},\"delta\":{{{}}},\"logprobs\":{},"
        "\"finish_reason\":{}{}{}}}]{}}}\n\n",
        terms_.head, choice, delta, logprobs, finish_reason.empty() ? "null" : "\"", finish_reason,
        finish_reason.empty() ? "" : "\"", terms_.wishes.include_usage ? R"(,"usage":null)" : "");
  }

  ChatTerms terms_;
  std::vector<bool> call_was_cut_;
};

class ChatBody final : public ResponseWriter {
 public:
  ChatBody(const GenerationRequest& request, const ResponseContext& context)
      : terms_(request, context, "chat.completion"),
        choices_(static_cast<std::size_t>(request.n)) {}

  std::string start(const Started&) override { return {}; }
  std::string progress(const Progress&) override { return {}; }

  std::string output(const ChoiceOutput& output) override {
    Choice& choice = choices_.at(static_cast<std::size_t>(output.choice));
    append_event(choice.message, output.event);
    choice.tokens.add(output);
    if (const auto* const end = std::get_if<ToolCallEnd>(&output.event)) {
      choice.call_was_cut = choice.call_was_cut || !end->complete;
    }
    return {};
  }

  std::string end_choice(const ChoiceEnd& end) override {
    Choice& choice = choices_.at(static_cast<std::size_t>(end.choice));
    choice.finish_reason = terms_.finish_reason(end, choice.call_was_cut);
    return {};
  }

  std::string finish(const Finished& finished) override {
    std::string choices;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      Choice& choice = choices_[i];
      if (!terms_.shows_reasoning) choice.tokens.reasoning.clear();
      if (i > 0) choices += ',';
      choices += fmt::format(R"({{"index":{},"message":{},"logprobs":{},"finish_reason":"{}"}})", i,
                             message_json(choice.message), chat_logprobs_json(choice.tokens),
                             choice.finish_reason);
    }
    return fmt::format(R"({},"choices":[{}],"usage":{}}})", terms_.head, choices,
                       openai_usage_json(finished));
  }

  std::string fail(const ApiError& error) override { return openai_error_body(error); }
  std::string ping() override { return std::string(1, ' '); }

 private:
  struct Choice {
    Message message = new_assistant_message();
    ChatTokens tokens;
    bool call_was_cut = false;
    std::string_view finish_reason = "stop";
  };

  [[nodiscard]] std::string message_json(const Message& message) const {
    const std::string content = message.content.joined();
    const bool is_null = content.empty() && !message.tool_calls.empty();
    std::string json = fmt::format(R"({{"role":"assistant","content":{},"refusal":null)",
                                   is_null ? "null" : json_string(content));
    if (terms_.shows_reasoning && message.reasoning && !message.reasoning->empty()) {
      json += ',';
      json += reasoning_members(*message.reasoning, terms_.wishes.reasoning_details);
    }
    if (!message.tool_calls.empty()) json += calls_member(message.tool_calls);
    return json + "}";
  }

  [[nodiscard]] std::string calls_member(const std::vector<ToolCall>& calls) const {
    if (terms_.wishes.legacy_function_call) {
      return fmt::format(R"(,"function_call":{{"name":{},"arguments":{}}})",
                         json_string(calls.front().name), json_string(calls.front().arguments));
    }
    std::string list;
    for (const ToolCall& call : calls) {
      if (!list.empty()) list += ',';
      list += tool_call_json(std::string::npos, call);
    }
    return fmt::format(R"(,"tool_calls":[{}])", list);
  }

  ChatTerms terms_;
  std::vector<Choice> choices_;
};

}  // namespace

std::unique_ptr<ResponseWriter> openai_chat_stream(const GenerationRequest& request,
                                                   const ResponseContext& context) {
  return std::make_unique<ChatStream>(request, context);
}

std::unique_ptr<ResponseWriter> openai_chat_body(const GenerationRequest& request,
                                                 const ResponseContext& context) {
  return std::make_unique<ChatBody>(request, context);
}

}  // namespace jevons
