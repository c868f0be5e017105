// Answers written down beforehand, for tests of clients: the engine takes their tokens instead of
// sampled ones, and everything else is real (the prompt is read, the cache used, the answer
// parsed). Immutable once read; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"

namespace jevons {

class ScriptedAnswers {
 public:
  /// `json`: a list of {"match": TEXT, "answer": TEXT}. `source` is named in errors.
  [[nodiscard]] static Result<ScriptedAnswers> parse(std::string_view json,
                                                     const std::string& source);

  /// The answer of the first entry whose text the last user or tool message contains; null if
  /// there is none.
  [[nodiscard]] const std::string* find(const ChatRequest& request) const;
  [[nodiscard]] const std::string* find(std::string_view prompt) const;

 private:
  struct Entry {
    std::string match, answer;
  };
  std::vector<Entry> entries_;
};

}  // namespace jevons
