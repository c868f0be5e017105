// Writes down the experts that tokens take, as they are chosen, for study afterwards: the lines of
// docs/FORMATS.md, "Routing traces". What has been handed to the system survives the end of the
// process in whatever way. Nothing here fails or stops anyone: after a problem (a full disk)
// nothing more is recorded, and the owner is told when it asks.
//
// One thread at a time records; take_problem() may be called by any other.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace jevons {

class RoutingRecorder {
 public:
  /// A new file is readable for its owner alone, as choices say something about the text. An older
  /// trace is overwritten, any other file refused. Errors name the path.
  [[nodiscard]] static Result<std::unique_ptr<RoutingRecorder>> create(const std::string& path);
  ~RoutingRecorder();
  RoutingRecorder(const RoutingRecorder&) = delete;
  RoutingRecorder& operator=(const RoutingRecorder&) = delete;

  /// Of the next token of a pass in this layer, in the router's order; none for a token that ends
  /// before this layer's experts. Layers come in order, each with every token of the pass.
  void add(int layer, std::span<const int> experts);
  /// Hands what was added to the system; comes after each pass.
  void flush();

  /// Why recording has ended, to the first who asks.
  [[nodiscard]] std::optional<Error> take_problem();

 private:
  RoutingRecorder(std::string path, int fd);

  const std::string path_;
  const int fd_;
  std::string buffer_;
  bool has_ended_ = false;
  Error problem_;  // set once, before has_problem_
  std::atomic<bool> has_problem_{false};
};

}  // namespace jevons
