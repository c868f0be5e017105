// A set of Unicode scalar values as sorted ranges that neither overlap nor touch. Plain data.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace jevons {

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

struct CodePointRange {
  char32_t first, last;  // both are inside
  bool operator==(const CodePointRange&) const = default;
};

class CodePointSet {
 public:
  CodePointSet() = default;
  CodePointSet(std::initializer_list<CodePointRange> ranges);

  /// Every scalar value.
  [[nodiscard]] static CodePointSet any();
  [[nodiscard]] static CodePointSet one(char32_t c) { return {{c, c}}; }

  /// Surrogates in the range are left out.
  void add(char32_t first, char32_t last);
  void add(const CodePointSet& other);

  [[nodiscard]] CodePointSet complement() const;
  [[nodiscard]] bool contains(char32_t c) const;
  [[nodiscard]] bool is_empty() const { return ranges_.empty(); }
  [[nodiscard]] const std::vector<CodePointRange>& ranges() const { return ranges_; }

  bool operator==(const CodePointSet&) const = default;

 private:
  void insert(char32_t first, char32_t last);

  std::vector<CodePointRange> ranges_;
};

/// The characters of UTF-8 text; a byte that is none stands for itself.
[[nodiscard]] std::u32string code_points(std::string_view utf8);

}  // namespace jevons
