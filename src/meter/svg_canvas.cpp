#include "meter/svg_canvas.h"

#include <fmt/format.h>

#include "meter/svg_chart.h"

namespace jevons {
namespace {

// Eight colours of about the same lightness, for a light and for a dark background.
constexpr const char* kLight[kChartColors] = {"#1d4ed8", "#c2410c", "#15803d", "#7e22ce",
                                              "#b91c1c", "#0f766e", "#a16207", "#be185d"};
constexpr const char* kDark[kChartColors] = {"#7aa2ff", "#fb923c", "#4ade80", "#c89bff",
                                             "#f87171", "#2dd4bf", "#facc15", "#f472b6"};

struct Shades {
  const char *ground, *ink, *dim, *grid;
};
constexpr Shades kLightShades = {"#ffffff", "#1f2328", "#57606a", "#dde2e7"};
constexpr Shades kDarkShades = {"#16191d", "#e6e9ec", "#a3adb8", "#343a42"};

std::string shade_rules(const Shades& shades, const char* const (&colors)[kChartColors]) {
  std::string rules = fmt::format(
      ".ground{{fill:{0}}}text{{fill:{1}}}.dim{{fill:{2}}}.halo{{stroke:{0}}}"
      ".grid{{stroke:{3}}}.axis,.rule,.leader{{stroke:{2}}}",
      shades.ground, shades.ink, shades.dim, shades.grid);
  for (int i = 0; i < kChartColors; ++i) {
    rules += fmt::format(".f{0}{{fill:{1}}}.s{0}{{stroke:{1}}}", i, colors[i]);
  }
  return rules + fmt::format(".hollow{{fill:{}}}", shades.ground);
}

std::string style() {
  return "text{font:13px system-ui,'DejaVu Sans',Arial,sans-serif}"
         ".title{font-size:18px;font-weight:600}.small{font-size:12px}"
         ".halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
         ".grid{stroke-width:1}.axis{stroke-width:1.5}"
         ".rule{stroke-width:1.5;stroke-dasharray:5 4}.leader{stroke-width:1}"
         ".path{fill:none;stroke-width:2}.dashed{stroke-dasharray:6 4}.dot{stroke-width:2}" +
         shade_rules(kLightShades, kLight) + "@media(prefers-color-scheme:dark){" +
         shade_rules(kDarkShades, kDark) + "}";
}

const char* anchor_name(SvgAnchor anchor) {
  switch (anchor) {
    case SvgAnchor::kStart:
      return "start";
    case SvgAnchor::kMiddle:
      return "middle";
    case SvgAnchor::kEnd:
      return "end";
  }
  return "start";
}

int color_index(int color) { return color % kChartColors; }

}  // namespace

std::string svg_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // XML has no way to say most control characters.
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) out += c;
    }
  }
  return out;
}

double svg_text_width(std::string_view text, double font_size) {
  constexpr double kMeanWidth = 0.6;  // of DejaVu Sans, which is wider than most
  std::size_t n_characters = 0;
  for (const char c : text) n_characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return kMeanWidth * font_size * static_cast<double>(n_characters);
}

SvgCanvas::SvgCanvas(int width, int height, std::string_view title)
    : width_(width), height_(height), title_(svg_escaped(title)) {}

void SvgCanvas::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  body_ +=
      fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n",
                  x1, y1, x2, y2, css_class);
}

void SvgCanvas::path(const std::vector<std::pair<double, double>>& points, int color,
                     bool is_dashed) {
  if (points.size() < 2) return;
  std::string places;
  for (const auto& [x, y] : points) {
    places += fmt::format("{}{:.1f},{:.1f}", places.empty() ? "" : " ", x, y);
  }
  body_ += fmt::format("<polyline points=\"{}\" class=\"path s{}{}\"/>\n", places,
                       color_index(color), is_dashed ? " dashed" : "");
}

void SvgCanvas::circle(double x, double y, double radius, int color, bool is_hollow) {
  const int index = color_index(color);
  body_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" class=\"dot s{} {}\"/>\n",
                       x, y, radius, index, is_hollow ? "hollow" : fmt::format("f{}", index));
}

void SvgCanvas::bar(double x, double y, double width, double height, int color) {
  body_ += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"f{}\"/>\n", x, y,
      width, height, color_index(color));
}

void SvgCanvas::text(double x, double y, std::string_view words, SvgAnchor anchor,
                     std::string_view css_class) {
  body_ +=
      fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x,
                  y, anchor_name(anchor), css_class, svg_escaped(words));
}

void SvgCanvas::upright_text(double x, double y, std::string_view words,
                             std::string_view css_class) {
  body_ += fmt::format(
      "<text transform=\"translate({:.1f},{:.1f}) rotate(-90)\" text-anchor=\"middle\" "
      "class=\"{}\">{}</text>\n",
      x, y, css_class, svg_escaped(words));
}

std::string SvgCanvas::document() const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" aria-label=\"{2}\">\n<title>{2}</title>\n<style>{3}</style>\n"
      "<rect class=\"ground\" width=\"{0}\" height=\"{1}\"/>\n{4}</svg>\n",
      width_, height_, title_, style(), body_);
}

}  // namespace jevons
