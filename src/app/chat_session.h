// A conversation with a model: questions, answers, and the rounds of tool calls between them.
// One thread; the engine must outlive the session and serve nobody else.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "meter/energy_meter.h"
#include "text/chat.h"
#include "text/output_parser.h"

namespace jevons {

struct ChatSettings {
  SamplingParams sampling;
  int max_tokens = 0;  // of one answer over all its rounds; 0: until the context is full
  std::vector<std::string> stop_strings;
  std::vector<ToolDefinition> tools;  // built-in ones, run by the session itself
  /// Called with each answer before it is given back; may be empty.
  std::function<void(struct Answer&)> on_answered{};
};

/// What is called while an answer is written; each may be empty.
struct ChatView {
  std::function<void(int n_done, int n_total)> on_prompt_progress;
  std::function<void(const OutputEvent&)> on_event;
  std::function<void(const ToolCall& call, const std::string& result)> on_tool_result;
};

/// One answer. Counts and times are sums over its rounds.
struct Answer {
  struct Call {
    ToolCall call;
    std::optional<std::string> result;  // nothing if it was not run
  };
  std::string text, reasoning;  // of all rounds, with an empty line between
  std::vector<Call> calls;
  std::vector<std::string> warnings;
  int n_rounds = 0;
  int n_prompt_tokens = 0;
  int n_cached_tokens = 0;  // of the prompt's, not computed again
  int n_generated_tokens = 0;
  double prompt_ms = 0;
  double generation_ms = 0;
  int n_context_tokens = 0;               // that the conversation takes now
  std::vector<CompletionId> completions;  // one a round
  double queue_ms = 0;
  std::optional<EnergyUse> energy;  // put in by ChatSettings::on_answered
  std::string currency;             // of its cost
  StopReason stop_reason = StopReason::kEndOfTurn;
  std::uint64_t seed = 0;
  bool question_withdrawn = false;  // stopped before any of the answer was there
};

inline constexpr int kMostToolRounds = 8;

class ChatSession {
 public:
  ChatSession(Engine& engine, ChatSettings settings);

  /// Asks and answers. On an error the conversation is as it was before. A question that was
  /// stopped before its answer began is taken back; regenerate() asks it again.
  [[nodiscard]] Result<Answer> ask(const std::string& question, const ChatView& view,
                                   const std::stop_token& cancel);
  /// Answers the last question once more, with the next seed if one was given.
  [[nodiscard]] Result<Answer> regenerate(const ChatView& view, const std::stop_token& cancel);

  /// The system message stays.
  void reset();
  /// Empty: the model's own.
  void set_system(const std::string& text);
  [[nodiscard]] std::string system() const;
  [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }
  void set_messages(std::vector<Message> messages);

 private:
  struct Round;
  [[nodiscard]] Result<Answer> answer(const ChatView& view, const std::stop_token& cancel);
  [[nodiscard]] Result<CompletionRequest> request_for(Round& round, int n_generated) const;
  [[nodiscard]] Result<void> run_round(Round& round, Answer& answer, const ChatView& view,
                                       const std::stop_token& cancel);
  void run_tools(Answer& answer, const ChatView& view);

  Engine& engine_;
  ChatSettings settings_;
  std::vector<Message> messages_;
  std::string withdrawn_;  // the question that was taken back last
  std::uint64_t n_regenerated_ = 0;
};

}  // namespace jevons
