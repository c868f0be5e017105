// Reading a line from a terminal: editing and history by libedit, pasted text taken as a whole.
// One object per process, used by the main thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace jevons {

class LineEditor {
 public:
  /// History is read from and kept in `history_path`; empty: none is kept.
  explicit LineEditor(const std::string& history_path);
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;
  ~LineEditor();

  enum class End { kLine, kInterrupted, kEndOfInput };
  struct Input {
    End end;
    std::string text;  // without the line's end; what was typed so far if interrupted
  };

  /// Waits for a line. A line that ends in a backslash goes on in the next one; a paste of several
  /// lines stands in the line as "[pasted 12 lines]" and comes back as what was pasted.
  [[nodiscard]] Input read(const std::string& prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// $XDG_STATE_HOME/jevons/history or ~/.local/state/jevons/history, its folder made if need be;
/// empty if there is no home.
[[nodiscard]] std::string history_path();

}  // namespace jevons
