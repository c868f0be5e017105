// The text format that Prometheus reads. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jevons {

/// Counts of values up to each bound, and their sum.
class Histogram {
 public:
  /// `bounds`: ascending; must outlive the histogram.
  explicit Histogram(std::span<const double> bounds)
      : bounds_(bounds), counts_(bounds.size() + 1) {}
  void observe(double value);

  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
  /// Of each bucket alone; the last is of what lies above all bounds.
  [[nodiscard]] std::span<const std::uint64_t> counts() const { return counts_; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

class PrometheusText {
 public:
  /// Begins a family; samples of it follow. `type`: "counter", "gauge", "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// `labels`: pairs without braces, values as they are: {{"code", "200"}}.
  using Labels = std::vector<std::pair<std::string_view, std::string>>;
  void sample(double value, const Labels& labels = {});
  void histogram(const Histogram& histogram);
  /// A family of one sample.
  void counter(std::string_view name, std::string_view help, double value);
  void gauge(std::string_view name, std::string_view help, double value);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, const Labels& labels, double value);
  std::string name_, text_;
};

}  // namespace jevons
