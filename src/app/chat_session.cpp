#include "app/chat_session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "app/builtin_tools.h"
#include "text/prompt.h"

namespace jevons {
namespace {

bool is_system(const std::vector<Message>& messages) {
  return !messages.empty() && messages.front().role == Role::kSystem;
}

void join(std::string& whole, const std::string& part) {
  if (!whole.empty() && !part.empty()) whole += "\n\n";
  whole += part;
}

}  // namespace

// One pass of the model: from the conversation as it stands to one assistant message.
struct ChatSession::Round {
  bool starts_in_reasoning = true;
  Message message = new_assistant_message();
  bool has_cut_call = false;
};

ChatSession::ChatSession(Engine& engine, ChatSettings settings)
    : engine_(engine), settings_(std::move(settings)) {}

Result<CompletionRequest> ChatSession::request_for(Round& round, int n_generated) const {
  const ChatRequest chat{messages_, settings_.tools, {}};
  JEVONS_ASSIGN(const std::vector<PromptPiece> pieces,
                render_prompt(chat, engine_.prompt_format()));
  round.starts_in_reasoning = prompt_ends_in_reasoning(prompt_text(pieces));
  CompletionRequest request;
  request.prompt = engine_.tokenizer().encode(pieces);
  request.sampling = settings_.sampling;
  if (request.sampling.seed) *request.sampling.seed += n_regenerated_;
  if (settings_.max_tokens > 0) request.max_tokens = settings_.max_tokens - n_generated;
  request.stop_strings = settings_.stop_strings;
  request.starts_in_reasoning = round.starts_in_reasoning;
  return request;
}

Result<void> ChatSession::run_round(Round& round, Answer& answer, const ChatView& view,
                                    const std::stop_token& cancel) {
  JEVONS_ASSIGN(CompletionRequest request, request_for(round, answer.n_generated_tokens));
  OutputParserOptions options;
  options.starts_in_reasoning = round.starts_in_reasoning;
  options.call_id_seed = messages_.size();
  OutputParser parser(settings_.tools, options);
  const auto take = [&](const std::vector<OutputEvent>& events) {
    for (const OutputEvent& event : events) {
      append_event(round.message, event);
      if (const auto* end = std::get_if<ToolCallEnd>(&event)) round.has_cut_call |= !end->complete;
      if (const auto* warning = std::get_if<OutputWarning>(&event)) {
        answer.warnings.push_back(warning->message);
      }
      if (view.on_event) view.on_event(event);
    }
  };
  CompletionSink sink;
  sink.on_prompt_progress = view.on_prompt_progress;
  sink.on_chunk = [&](const CompletionChunk& chunk) { take(parser.push(chunk.text)); };
  JEVONS_ASSIGN(const CompletionResult result, engine_.complete(std::move(request), sink, cancel));
  take(parser.finish());

  ++answer.n_rounds;
  answer.n_prompt_tokens += result.n_prompt_tokens;
  answer.n_cached_tokens += result.n_cached_tokens;
  answer.n_generated_tokens += result.n_generated_tokens;
  answer.completions.push_back(result.id);
  answer.queue_ms += result.queue_ms;
  answer.prompt_ms += result.prompt_ms;
  answer.generation_ms += result.generation_ms;
  answer.n_context_tokens = result.n_prompt_tokens + result.n_generated_tokens;
  answer.stop_reason = result.stop_reason;
  answer.seed = result.seed;
  join(answer.text, round.message.content.joined());
  join(answer.reasoning, round.message.reasoning.value_or(""));
  for (const ToolCall& call : round.message.tool_calls) answer.calls.push_back({call, {}});
  return {};
}

void ChatSession::run_tools(Answer& answer, const ChatView& view) {
  const std::vector<ToolCall> calls = messages_.back().tool_calls;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    std::string result = run_builtin_tool(calls[i], settings_.tools);
    if (view.on_tool_result) view.on_tool_result(calls[i], result);
    answer.calls[answer.calls.size() - calls.size() + i].result = result;
    Message message;
    message.role = Role::kTool;
    message.content = std::move(result);
    message.tool_call_id = calls[i].id;
    messages_.push_back(std::move(message));
  }
}

Result<Answer> ChatSession::answer(const ChatView& view, const std::stop_token& cancel) {
  Answer answer;
  for (;;) {
    Round round;
    JEVONS_TRY(run_round(round, answer, view, cancel));
    const bool has_calls = !round.message.tool_calls.empty() && !round.has_cut_call;
    messages_.push_back(std::move(round.message));
    const bool tokens_left =
        settings_.max_tokens == 0 || answer.n_generated_tokens < settings_.max_tokens;
    if (!has_calls || settings_.tools.empty() || !tokens_left ||
        answer.stop_reason != StopReason::kEndOfTurn || answer.n_rounds == kMostToolRounds) {
      return answer;
    }
    run_tools(answer, view);
  }
}

Result<Answer> ChatSession::ask(const std::string& question, const ChatView& view,
                                const std::stop_token& cancel) {
  const std::size_t n_before = messages_.size();
  Message message;
  message.content = question;
  messages_.push_back(std::move(message));
  Result<Answer> result = answer(view, cancel);
  if (result && settings_.on_answered) settings_.on_answered(*result);
  if (!result) {
    messages_.resize(n_before);
    return result;
  }
  if (result->stop_reason == StopReason::kCancelled && result->text.empty() &&
      result->calls.empty()) {
    result->question_withdrawn = true;
    withdrawn_ = question;
    messages_.resize(n_before);
  }
  return result;
}

Result<Answer> ChatSession::regenerate(const ChatView& view, const std::stop_token& cancel) {
  std::string question = std::exchange(withdrawn_, "");
  std::vector<Message> before = messages_;
  if (question.empty()) {
    while (!messages_.empty() && messages_.back().role != Role::kUser) messages_.pop_back();
    if (messages_.empty()) {
      messages_ = std::move(before);
      return fail("there is no question to answer again");
    }
    question = messages_.back().content.joined();
    messages_.pop_back();
  }
  ++n_regenerated_;
  Result<Answer> result = ask(question, view, cancel);
  if (!result || result->question_withdrawn) messages_ = std::move(before);
  return result;
}

void ChatSession::reset() {
  withdrawn_.clear();
  messages_.resize(is_system(messages_) ? 1 : 0);
}

void ChatSession::set_system(const std::string& text) {
  if (is_system(messages_)) messages_.erase(messages_.begin());
  if (text.empty()) return;
  Message message;
  message.role = Role::kSystem;
  message.content = text;
  messages_.insert(messages_.begin(), std::move(message));
}

std::string ChatSession::system() const {
  return is_system(messages_) ? messages_.front().content.joined() : "";
}

void ChatSession::set_messages(std::vector<Message> messages) {
  withdrawn_.clear();
  messages_ = std::move(messages);
}

}  // namespace jevons
