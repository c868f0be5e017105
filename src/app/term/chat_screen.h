// The interactive chat: reads lines, carries out the commands that begin with a slash, shows
// answers. Main thread.
#pragma once

#include <string>

#include "app/chat_session.h"
#include "app/term/line_editor.h"

namespace jevons {

class ChatScreen {
 public:
  ChatScreen(ChatSession& session, const ModelFacts& facts, bool hide_reasoning);

  /// Runs until the user leaves; returns the exit code of the program.
  [[nodiscard]] int run();

 private:
  enum class Then { kGoOn, kLeave };
  struct Command;
  static const Command kCommands[];

  void greet();
  Then carry_out(const std::string& line);
  void answer(const std::string* question);  // nullptr: the last one again
  void show_answer_facts(const Answer& answer);
  void note(const std::string& text);
  void complain(const std::string& text);

  Then help(const std::string& argument);
  Then reset(const std::string& argument);
  Then system(const std::string& argument);
  Then save(const std::string& argument);
  Then load(const std::string& argument);
  Then regenerate(const std::string& argument);
  Then stats(const std::string& argument);
  Then leave(const std::string& argument);

  ChatSession& session_;
  const ModelFacts& facts_;
  bool hide_reasoning_;
  bool styled_;
  LineEditor editor_;
  Answer totals_;
  int n_answers_ = 0;
  int n_context_tokens_ = 0;
};

}  // namespace jevons
