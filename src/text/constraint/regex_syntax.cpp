#include "text/constraint/regex_syntax.h"

#include <optional>
#include <string>
#include <utility>

namespace jevons {
namespace {

using Kind = RegexNode::Kind;

constexpr int kMaxNesting = 100;
constexpr int kMaxRepeat = 1'000'000;
constexpr char32_t kEnd = 0xFFFFFFFF;  // after the last character

const CodePointSet& digits() {
  static const CodePointSet kSet = {{'0', '9'}};
  return kSet;
}

const CodePointSet& word_characters() {
  static const CodePointSet kSet = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return kSet;
}

const CodePointSet& spaces() {
  static const CodePointSet kSet = {
      {0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return kSet;
}

const CodePointSet& not_line_ends() {
  static const CodePointSet kSet =
      CodePointSet{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}.complement();
  return kSet;
}

std::optional<unsigned> hex_value(char32_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

RegexNode set_node(CodePointSet set) { return {.kind = Kind::kSet, .set = std::move(set)}; }

class Parser {
 public:
  explicit Parser(std::string_view pattern) : text_(code_points(pattern)) {}

  Result<RegexNode> parse() {
    JEVONS_ASSIGN(RegexNode node, choice(0));
    if (at_ < text_.size()) return fail("unmatched ) at character {}", at_);
    return node;
  }

 private:
  Result<RegexNode> choice(int depth) {
    if (depth > kMaxNesting) return fail("groups nested deeper than {}", kMaxNesting);
    RegexNode node{.kind = Kind::kChoice};
    do {
      JEVONS_ASSIGN(RegexNode part, sequence(depth));
      node.children.push_back(std::move(part));
    } while (take('|'));
    if (node.children.size() > 1) return node;
    RegexNode only = std::move(node.children.front());
    return only;
  }

  Result<RegexNode> sequence(int depth) {
    RegexNode node{.kind = Kind::kSequence};
    while (peek() != kEnd && peek() != '|' && peek() != ')') {
      JEVONS_ASSIGN(RegexNode part, atom(depth));
      const bool is_assertion = part.kind == Kind::kTextBegin || part.kind == Kind::kTextEnd;
      JEVONS_ASSIGN(part, quantified(std::move(part), is_assertion));
      node.children.push_back(std::move(part));
    }
    return node;
  }

  Result<RegexNode> atom(int depth) {
    const char32_t c = next();
    switch (c) {
      case '^':
        return RegexNode{.kind = Kind::kTextBegin};
      case '$':
        return RegexNode{.kind = Kind::kTextEnd};
      case '.':
        return set_node(not_line_ends());
      case '(':
        return group(depth);
      case '[':
        return character_class();
      case '\\': {
        JEVONS_ASSIGN(CodePointSet set, escape(false));
        return set_node(std::move(set));
      }
      case '*':
      case '+':
      case '?':
        return fail("nothing to repeat before the {} at character {}", static_cast<char>(c),
                    at_ - 1);
      default:
        return set_node(CodePointSet::one(c));
    }
  }

  Result<RegexNode> group(int depth) {
    if (take('?')) {
      const char32_t kind = next();
      const bool is_named = kind == '<' && peek() != '=' && peek() != '!';
      if (is_named) {
        while (peek() != '>' && peek() != kEnd) ++at_;
        if (!take('>')) return fail("a group name without >");
      } else if (kind == '=' || kind == '!' || kind == '<') {
        return fail("lookaround (?{}) is not supported", kind == '<'   ? "<"
                                                         : kind == '=' ? "="
                                                                       : "!");
      } else if (kind != ':') {
        return fail("(? at character {} begins no group that is known", at_ - 2);
      }
    }
    JEVONS_ASSIGN(RegexNode inside, choice(depth + 1));
    if (!take(')')) return fail("unmatched (");
    return inside;
  }

  Result<RegexNode> quantified(RegexNode node, bool is_assertion) {
    int min = 0;
    int max = RegexNode::kNoLimit;
    if (take('*')) {
    } else if (take('+')) {
      min = 1;
    } else if (take('?')) {
      max = 1;
    } else if (peek() == '{') {
      JEVONS_ASSIGN(const bool is_quantifier, braces(&min, &max));
      if (!is_quantifier) return node;
    } else {
      return node;
    }
    if (is_assertion) return fail("a quantifier after ^ or $");
    take('?');  // lazy: the same language
    if (peek() == '*' || peek() == '+' || peek() == '?') {
      return fail("two quantifiers at character {}", at_);
    }
    RegexNode repeat{.kind = Kind::kRepeat, .min = min, .max = max};
    repeat.children.push_back(std::move(node));
    return repeat;
  }

  /// {2}, {2,} or {2,5}. Anything else is a literal brace, as browsers read it.
  Result<bool> braces(int* min, int* max) {
    const std::size_t begin = at_++;
    const std::optional<int> first = number();
    std::optional<int> second = first;
    if (first && take(',')) {
      second = peek() == '}' ? std::optional(RegexNode::kNoLimit) : number();
    }
    if (!first || !second || !take('}')) {
      at_ = begin;
      return false;
    }
    *min = *first;
    *max = *second;
    if (*max != RegexNode::kNoLimit && *max < *min) return fail("{{{},{}}} is empty", *min, *max);
    return true;
  }

  std::optional<int> number() {
    if (peek() < '0' || peek() > '9') return std::nullopt;
    int value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = std::min(kMaxRepeat, value * 10 + static_cast<int>(next() - '0'));
    }
    return value;
  }

  Result<RegexNode> character_class() {
    const bool is_negated = take('^');
    CodePointSet set;
    while (!take(']')) {
      if (peek() == kEnd) return fail("a [ without its ]");
      JEVONS_ASSIGN(const CodePointSet first, class_item());
      const bool is_range = peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (!is_range) {
        set.add(first);
        continue;
      }
      ++at_;
      JEVONS_ASSIGN(const CodePointSet last, class_item());
      const auto low = single(first);
      const auto high = single(last);
      if (!low || !high) {  // [\w-x]: the - is a character
        set.add(first);
        set.add('-', '-');
        set.add(last);
      } else if (*low > *high) {
        return fail("a range in [] that ends before it begins");
      } else {
        set.add(*low, *high);
      }
    }
    return set_node(is_negated ? set.complement() : std::move(set));
  }

  Result<CodePointSet> class_item() {
    const char32_t c = next();
    if (c == kEnd) return fail("a [ without its ]");
    if (c == '\\') return escape(true);
    return CodePointSet::one(c);
  }

  static std::optional<char32_t> single(const CodePointSet& set) {
    const auto& ranges = set.ranges();
    if (ranges.size() != 1 || ranges[0].first != ranges[0].last) return std::nullopt;
    return ranges[0].first;
  }

  Result<CodePointSet> escape(bool in_class) {
    const char32_t c = next();
    switch (c) {
      case kEnd:
        return fail("a \\ at the end");
      case 'd':
        return digits();
      case 'D':
        return digits().complement();
      case 'w':
        return word_characters();
      case 'W':
        return word_characters().complement();
      case 's':
        return spaces();
      case 'S':
        return spaces().complement();
      case 't':
        return CodePointSet::one('\t');
      case 'n':
        return CodePointSet::one('\n');
      case 'r':
        return CodePointSet::one('\r');
      case 'v':
        return CodePointSet::one('\v');
      case 'f':
        return CodePointSet::one('\f');
      case 'b':
        if (in_class) return CodePointSet::one('\b');
        return fail("\\b is not supported");
      case 'x':
        return hex_escape(2);
      case 'u':
        return unicode_escape();
      case 'c':
        return control_escape();
      default:
        break;
    }
    if (c == '0' && (peek() < '0' || peek() > '9')) return CodePointSet::one(0);
    if (c >= '0' && c <= '9') return fail("back references are not supported");
    if (is_ascii_letter(c)) return fail("\\{} is not supported", static_cast<char>(c));
    return CodePointSet::one(c);
  }

  Result<CodePointSet> control_escape() {
    if (!is_ascii_letter(peek())) return fail("\\c without a letter");
    return CodePointSet::one(next() % 32);
  }

  std::optional<char32_t> hex_digits(int n_digits) {
    if (at_ + static_cast<std::size_t>(n_digits) > text_.size()) return std::nullopt;
    char32_t value = 0;
    for (int i = 0; i < n_digits; ++i) {
      const auto digit = hex_value(text_[at_ + static_cast<std::size_t>(i)]);
      if (!digit) return std::nullopt;
      value = value * 16 + *digit;
    }
    at_ += static_cast<std::size_t>(n_digits);
    return value;
  }

  Result<CodePointSet> hex_escape(int n_digits) {
    const auto value = hex_digits(n_digits);
    if (!value) return fail("\\x or \\u without its hex digits at character {}", at_);
    return CodePointSet::one(*value);
  }

  Result<CodePointSet> unicode_escape() {
    if (take('{')) {
      char32_t value = 0;
      while (const auto digit = hex_value(peek())) {
        value = value * 16 + *digit;
        if (value > kLastCodePoint) return fail("\\u{{}} past the last character");
        ++at_;
      }
      if (!take('}')) return fail("\\u{{ without its }}");
      return CodePointSet::one(value);
    }
    const auto value = hex_digits(4);
    if (!value) return fail("\\u without four hex digits at character {}", at_);
    const bool is_high = *value >= 0xD800 && *value <= 0xDBFF;
    if (is_high && peek() == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == 'u') {
      const std::size_t begin = at_;
      at_ += 2;
      const auto low = hex_digits(4);
      if (low && *low >= 0xDC00 && *low <= 0xDFFF) {
        return CodePointSet::one(0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00));
      }
      at_ = begin;
    }
    return CodePointSet::one(*value);  // half a pair: no character has it
  }

  [[nodiscard]] char32_t peek() const { return at_ < text_.size() ? text_[at_] : kEnd; }
  char32_t next() { return at_ < text_.size() ? text_[at_++] : kEnd; }
  bool take(char32_t c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  std::u32string text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<RegexNode> parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace jevons
