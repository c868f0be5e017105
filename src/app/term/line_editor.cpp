#include "app/term/line_editor.h"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "app/term/interrupt.h"
#include "app/term/paste.h"
#include "base/check.h"

namespace jevons {
namespace {

constexpr int kHistorySize = 1000;
// How long the rest of an escape sequence may take; a lone Escape key waits as long.
constexpr int kSequenceTimeoutMs = 40;
constexpr std::string_view kPasteOn = "\x1b[?2004h";
constexpr std::string_view kPasteOff = "\x1b[?2004l";

void put(std::string_view text) {
  [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, text.data(), text.size());
}

wchar_t to_wide(const std::string& character) {
  wchar_t wide = 0;
  std::mbstate_t state{};
  const std::size_t n = std::mbrtowc(&wide, character.data(), character.size(), &state);
  return n == static_cast<std::size_t>(-1) || n == static_cast<std::size_t>(-2) ? L'\uFFFD' : wide;
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string history_path;
  std::string prompt;
  KeyStream keys;
  bool interrupted = false;
  bool at_end = false;

  static int get_character(EditLine* editor, wchar_t* out) { return of(editor).get(out); }
  static char* get_prompt(EditLine* editor) { return of(editor).prompt.data(); }
  static State& of(EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }

  void open();
  int get(wchar_t* out);
  bool fill();
  bool handle_reports();
  void remember(const std::string& line);
};

void LineEditor::State::open() {
  editor = ::el_init("jevons", stdin, stdout, stderr);
  history = ::history_init();
  JEVONS_CHECK(editor != nullptr && history != nullptr);
  HistEvent event{};
  ::history(history, &event, H_SETSIZE, kHistorySize);
  ::history(history, &event, H_SETUNIQUE, 1);
  if (!history_path.empty()) ::history(history, &event, H_LOAD, history_path.c_str());
  ::el_set(editor, EL_CLIENTDATA, this);
  ::el_set(editor, EL_EDITOR, "emacs");
  ::el_set(editor, EL_HIST, ::history, history);
  ::el_set(editor, EL_PROMPT, get_prompt);
  ::el_set(editor, EL_GETCFN, get_character);
  // Keys that libedit leaves unbound: Delete, Home, End, Ctrl-Left, Ctrl-Right.
  static constexpr const char* kBindings[][2] = {
      {"\x1b[3~", "ed-delete-next-char"}, {"\x1b[H", "ed-move-to-beg"},
      {"\x1b[F", "ed-move-to-end"},       {"\x1b[1~", "ed-move-to-beg"},
      {"\x1b[4~", "ed-move-to-end"},      {"\x1b[1;5D", "ed-prev-word"},
      {"\x1b[1;5C", "em-next-word"},      {"^R", "em-inc-search-prev"}};
  for (const auto& [key, command] : kBindings) ::el_set(editor, EL_BIND, key, command, nullptr);
}

// One character for libedit: 1, or -1 when the line must be given up.
int LineEditor::State::get(wchar_t* out) {
  for (;;) {
    std::string character = keys.next(false);
    if (character.empty()) {
      pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {InterruptReport::fd(), POLLIN, 0}};
      const int n = ::poll(waiting, 2, keys.has_partial() ? kSequenceTimeoutMs : -1);
      if (n == 0) character = keys.next(true);
      if (handle_reports()) return -1;
      if (n > 0 && waiting[0].revents != 0 && !fill()) {
        at_end = true;
        return -1;
      }
    }
    if (character.empty()) continue;
    *out = to_wide(character);
    return 1;
  }
}

bool LineEditor::State::fill() {
  char buffer[4096];
  const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  if (n == 0) return false;
  keys.push({buffer, static_cast<std::size_t>(n)});
  return true;
}

// Signals that came while waiting: true if the line must be given up.
bool LineEditor::State::handle_reports() {
  char what = 0;
  while (::read(InterruptReport::fd(), &what, 1) == 1) {
    if (what == 'i') {
      interrupted = true;
      return true;
    }
    if (what == 'w') ::el_resize(editor);
    if (what == 'c') {
      // libedit believes that the terminal is still as it left it; the shell has changed that.
      ::el_set(editor, EL_PREP_TERM, 0);
      ::el_set(editor, EL_PREP_TERM, 1);
      put(kPasteOn);
      ::el_set(editor, EL_REFRESH);
    }
  }
  return false;
}

void LineEditor::State::remember(const std::string& line) {
  if (line.find_first_not_of(" \t\n") == std::string::npos) return;
  HistEvent event{};
  ::history(history, &event, H_ENTER, line.c_str());
  // Saved at once: a chat may end in any way.
  if (!history_path.empty()) ::history(history, &event, H_SAVE, history_path.c_str());
}

LineEditor::LineEditor(const std::string& history_path) : state_(std::make_unique<State>()) {
  state_->history_path = history_path;
  state_->open();
}

LineEditor::~LineEditor() {
  ::history_end(state_->history);
  ::el_end(state_->editor);
}

LineEditor::Input LineEditor::read(const std::string& prompt) {
  State& s = *state_;
  const InterruptReport report;
  s.keys.forget_pastes();
  s.prompt = prompt;
  s.interrupted = s.at_end = false;
  std::string text;
  put(kPasteOn);
  for (;;) {
    int n_characters = 0;
    const char* line = ::el_gets(s.editor, &n_characters);
    if (line == nullptr || s.interrupted || s.at_end) {
      if (const LineInfo* info = ::el_line(s.editor); line == nullptr && info != nullptr) {
        text.append(info->buffer, info->lastchar);
      }
      put(kPasteOff);
      put("\r\n");
      return {s.interrupted ? End::kInterrupted : End::kEndOfInput, text};
    }
    text += line;
    if (text.ends_with('\n')) text.pop_back();
    if (!text.ends_with('\\')) break;
    text.back() = '\n';
    s.prompt = "… ";
  }
  put(kPasteOff);
  text = s.keys.expand(text);
  s.remember(text);
  return {End::kLine, std::move(text)};
}

std::string history_path() {
  namespace fs = std::filesystem;
  fs::path state;
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg != nullptr && *xdg == '/') {
    state = xdg;
  } else if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    state = fs::path(home) / ".local" / "state";
  } else {
    return "";
  }
  std::error_code error;
  fs::create_directories(state / "jevons", error);
  return error ? "" : (state / "jevons" / "history").string();
}

}  // namespace jevons
