// The keys that come from a terminal, with pasted text told apart from typed text by the marks of
// bracketed paste (ESC [ 200 ~ and ESC [ 201 ~). No I/O of its own. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jevons {

class KeyStream {
 public:
  /// Bytes as they were read.
  void push(std::string_view bytes);

  /// True if bytes are held back that may turn into something else within moments: a cut
  /// character, or what may become a paste mark.
  [[nodiscard]] bool has_partial() const;

  /// Takes the next character (its bytes in UTF-8). Empty if there is none, if it is partial and
  /// not `final` (no more bytes came in time: an escape is just an escape), or within a paste that
  /// has not ended.
  [[nodiscard]] std::string next(bool final);

  /// What was pasted in place of its mark: `line` with each mark replaced.
  [[nodiscard]] std::string expand(std::string_view line) const;
  /// Before another line is read.
  void forget_pastes() { pastes_.clear(); }

 private:
  struct Paste {
    std::string mark;  // as it stands in the line
    std::string text;
  };
  void take_paste(std::size_t length);

  std::string bytes_;
  std::vector<Paste> pastes_;
  int n_pastes_ = 0;
};

}  // namespace jevons
