// What the machine takes when the engine has nothing to do: stated, or the median of the seconds in
// which it had nothing to do. One thread.
#pragma once

#include <deque>
#include <optional>

namespace jevons {

class IdlePower {
 public:
  /// `stated`: by the user; then nothing is measured. `remembered`: measured by an earlier run, and
  /// used until there is a measurement of this one.
  IdlePower(std::optional<double> stated, std::optional<double> remembered)
      : stated_(stated), remembered_(remembered) {}

  /// Time in which nothing was computed.
  void add(double seconds, double joules);
  /// Absent: not known yet.
  [[nodiscard]] std::optional<double> watts() const;
  /// By this run: kLeastSeconds of idleness at least.
  [[nodiscard]] std::optional<double> measured() const;
  /// "stated", "measured", "remembered", "unknown"
  [[nodiscard]] const char* origin() const;

  static constexpr int kLeastSeconds = 3;

 private:
  std::optional<double> stated_, remembered_;
  double seconds_ = 0, joules_ = 0;  // not yet a whole second
  std::deque<double> watts_;         // of one second each, the latest last
};

}  // namespace jevons
