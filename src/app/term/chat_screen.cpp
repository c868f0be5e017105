#include "app/term/chat_screen.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>

#include "app/answer_report.h"
#include "app/conversation_file.h"
#include "app/similar_word.h"
#include "app/term/answer_view.h"
#include "app/term/interrupt.h"
#include "app/term/terminal.h"

namespace jevons {

struct ChatScreen::Command {
  std::string_view name;
  std::string_view argument;
  std::string_view help;
  Then (ChatScreen::*run)(const std::string& argument);
};

const ChatScreen::Command ChatScreen::kCommands[] = {
    {"/help", "", "lists these", &ChatScreen::help},
    {"/reset", "", "forgets the conversation", &ChatScreen::reset},
    {"/system", "TEXT", "sets the system message; alone: shows it", &ChatScreen::system},
    {"/save", "FILE", "writes the conversation as JSON", &ChatScreen::save},
    {"/load", "FILE", "goes on with a conversation", &ChatScreen::load},
    {"/regen", "", "answers the last message again", &ChatScreen::regenerate},
    {"/stats", "", "tokens, speed and context so far", &ChatScreen::stats},
    {"/exit", "", "leaves, as does Ctrl-D", &ChatScreen::leave},
    {"/quit", "", "the same", &ChatScreen::leave},
};

ChatScreen::ChatScreen(ChatSession& session, const ModelFacts& facts, bool hide_reasoning)
    : session_(session),
      facts_(facts),
      hide_reasoning_(hide_reasoning),
      styled_(shows_styles(STDOUT_FILENO)),
      editor_(history_path()) {}

void ChatScreen::note(const std::string& text) {
  const std::string shown = harmless_text(text);
  fmt::print("{}{}{}\n", styled_ ? kDim : "", shown, styled_ ? kPlain : "");
  std::fflush(stdout);
}

void ChatScreen::complain(const std::string& text) {
  fmt::print("{}\n", harmless_text("! " + text));
  std::fflush(stdout);
}

void ChatScreen::greet() {
  note(fmt::format("{}, context {} tokens, {} threads, {}", facts_.name, facts_.context_length,
                   facts_.n_threads, facts_.kernels));
  note("/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves");
}

int ChatScreen::run() {
  greet();
  bool leave_on_interrupt = false;
  for (;;) {
    const LineEditor::Input input = editor_.read("> ");
    if (input.end == LineEditor::End::kEndOfInput) return 0;
    if (input.end == LineEditor::End::kInterrupted) {
      // The first Ctrl-C clears what was typed, as in a shell.
      if (leave_on_interrupt && input.text.empty()) return kInterruptedExit;
      if (input.text.empty()) note("Ctrl-C again or Ctrl-D leaves");
      leave_on_interrupt = input.text.empty();
      continue;
    }
    leave_on_interrupt = false;
    const std::size_t first = input.text.find_first_not_of(" \t\n");
    if (first == std::string::npos) continue;
    if (input.text[0] != '/') {
      answer(&input.text);
    } else if (carry_out(input.text) == Then::kLeave) {
      return 0;
    }
  }
}

ChatScreen::Then ChatScreen::carry_out(const std::string& line) {
  const std::size_t end = std::min(line.find_first_of(" \t\n"), line.size());
  const std::string name = line.substr(0, end);
  const std::size_t from = std::min(line.find_first_not_of(" \t\n", end), line.size());
  std::string argument = line.substr(from);
  argument.erase(argument.find_last_not_of(" \t\n") + 1);
  for (const Command& command : kCommands) {
    if (command.name == name) return (this->*command.run)(argument);
  }
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  const std::string_view similar = similar_word(name, names);
  complain(fmt::format("there is no command {}{}; to send such a text, begin it with a space", name,
                       similar.empty() ? "" : fmt::format(" (did you mean {}?)", similar)));
  return Then::kGoOn;
}

void ChatScreen::answer(const std::string* question) {
  Result<Answer> result = [&] {
    AnswerView view(stdout, {true, styled_, hide_reasoning_});
    const AnswerInterrupt interrupt;
    return question != nullptr ? session_.ask(*question, view.callbacks(), interrupt.token())
                               : session_.regenerate(view.callbacks(), interrupt.token());
  }();
  if (!result) {
    complain(result.error().message);
    return;
  }
  show_answer_facts(*result);
}

void ChatScreen::show_answer_facts(const Answer& answer) {
  if (answer.question_withdrawn) {
    note("stopped; the question was taken back (/regen asks it again)");
    return;
  }
  n_context_tokens_ = answer.n_context_tokens;
  ++n_answers_;
  totals_.n_prompt_tokens += answer.n_prompt_tokens;
  totals_.n_cached_tokens += answer.n_cached_tokens;
  totals_.n_generated_tokens += answer.n_generated_tokens;
  totals_.prompt_ms += answer.prompt_ms;
  totals_.generation_ms += answer.generation_ms;
  std::string line =
      speed_line(answer) + "; " + context_line(n_context_tokens_, facts_.context_length);
  if (answer.stop_reason != StopReason::kEndOfTurn) {
    line = fmt::format("stopped ({}); {}", stop_reason_name(answer.stop_reason), line);
  }
  note(line);
  if (answer.energy) note(energy_line(answer));
  if (answer.stop_reason == StopReason::kContextFull) {
    note("the context is full: /reset forgets the conversation, -c gives a larger context");
  }
}

ChatScreen::Then ChatScreen::help(const std::string& /*argument*/) {
  for (const Command& command : kCommands) {
    note(fmt::format("  {:<14} {}", fmt::format("{} {}", command.name, command.argument),
                     command.help));
  }
  note("A line that ends in \\ goes on in the next one. Pastes may have many lines.");
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::reset(const std::string& /*argument*/) {
  session_.reset();
  n_context_tokens_ = 0;
  note("the conversation is forgotten");
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::system(const std::string& argument) {
  if (!argument.empty()) session_.set_system(argument);
  const std::string text = session_.system();
  note(text.empty() ? "no system message: the model's own" : "system message: " + text);
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::save(const std::string& argument) {
  if (argument.empty()) {
    complain("/save needs the name of a file");
  } else if (const auto saved =
                 save_conversation(expand_home(argument), session_.messages(), facts_.name);
             !saved) {
    complain(saved.error().message);
  } else {
    note(fmt::format("{} messages in {}", session_.messages().size(), argument));
  }
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::load(const std::string& argument) {
  if (argument.empty()) {
    complain("/load needs the name of a file");
    return Then::kGoOn;
  }
  auto messages = load_conversation(expand_home(argument));
  if (!messages) {
    complain(messages.error().message);
    return Then::kGoOn;
  }
  session_.set_messages(*std::move(messages));
  n_context_tokens_ = 0;
  note(fmt::format("{} messages from {}", session_.messages().size(), argument));
  for (const Message& message : session_.messages()) {
    if (message.role == Role::kUser) note("> " + message.content.joined());
    if (message.role == Role::kAssistant && !message.content.joined().empty()) {
      fmt::print("{}\n", harmless_text(message.content.joined()));
    }
  }
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::regenerate(const std::string& /*argument*/) {
  answer(nullptr);
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::stats(const std::string& /*argument*/) {
  note(fmt::format("{} answers; {}", n_answers_, speed_line(totals_)));
  note(fmt::format("{}; keys and values {:.1f} MB of {:.1f} MB",
                   context_line(n_context_tokens_, facts_.context_length),
                   n_context_tokens_ * 1e-6 * static_cast<double>(facts_.kv_bytes_per_token),
                   facts_.context_length * 1e-6 * static_cast<double>(facts_.kv_bytes_per_token)));
  return Then::kGoOn;
}

ChatScreen::Then ChatScreen::leave(const std::string& /*argument*/) { return Then::kLeave; }

}  // namespace jevons
