// Shapes and texts of an SVG document, in pixels. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jevons {

/// With &, <, >, quotes and control characters made harmless. `text` is UTF-8.
[[nodiscard]] std::string svg_escaped(std::string_view text);

/// About how wide a text is: no font is at hand.
[[nodiscard]] double svg_text_width(std::string_view text, double font_size);

struct SvgBox {
  double left, top, right, bottom;
  [[nodiscard]] bool overlaps(const SvgBox& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  [[nodiscard]] bool contains(const SvgBox& other) const {
    return left <= other.left && top <= other.top && right >= other.right && bottom >= other.bottom;
  }
};

enum class SvgAnchor { kStart, kMiddle, kEnd };

class SvgCanvas {
 public:
  /// `title` is what a screen reader says.
  SvgCanvas(int width, int height, std::string_view title);

  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  /// Pairs of x and y; none is drawn for less than two.
  void path(const std::vector<std::pair<double, double>>& points, int color, bool is_dashed);
  void circle(double x, double y, double radius, int color, bool is_hollow);
  void bar(double x, double y, double width, double height, int color);
  void text(double x, double y, std::string_view words, SvgAnchor anchor,
            std::string_view css_class);
  /// Words of a title along a y axis, from bottom to top.
  void upright_text(double x, double y, std::string_view words, std::string_view css_class);

  [[nodiscard]] std::string document() const;

 private:
  int width_, height_;
  std::string title_, body_;
};

}  // namespace jevons
