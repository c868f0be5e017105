// SchemaRules: arrays and objects.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "text/constraint/schema_rules.h"

namespace jevons {
namespace {

// Items and properties are counted by states of their own.
constexpr std::uint32_t kMaxCountedItems = 2000;
constexpr std::uint32_t kMaxCountedProperties = 64;

}  // namespace

SchemaRules::RuleId SchemaRules::any_value() {
  if (any_value_) return *any_value_;
  const StateId begin = grammar_.add_state();
  const StateId end = grammar_.add_state(true);
  any_value_ = grammar_.add_rule(begin);
  grammar_.call(begin, piece(lexemes_.constants), end);
  grammar_.call(begin, piece(lexemes_.number), end);
  grammar_.call(begin, piece(lexemes_.string(dialect_)), end);
  grammar_.call(begin, any_object(), end);
  const StateId open = after_space(grammar_.literal(begin, "["));
  const StateId item = grammar_.add_state();
  const StateId close = grammar_.add_state();
  grammar_.jump(open, item);
  grammar_.jump(open, close);
  const StateId after_item = grammar_.after_call(item, *any_value_);
  grammar_.jump(after_space(grammar_.literal(after_item, ",")), item);
  grammar_.jump(after_space(after_item), close);
  grammar_.byte(close, ']', ']', end);
  return *any_value_;
}

SchemaRules::RuleId SchemaRules::any_object() {
  if (any_object_) return *any_object_;
  const StateId begin = grammar_.add_state();
  any_object_ = grammar_.add_rule(begin);
  const StateId open = after_space(grammar_.literal(begin, "{"));
  const StateId key = grammar_.add_state();
  const StateId close = grammar_.add_state();
  grammar_.jump(open, key);
  grammar_.jump(open, close);
  const StateId after_key = grammar_.after_call(key, piece(lexemes_.string(dialect_)));
  const StateId value = after_space(grammar_.literal(after_key, ":"));
  const StateId after_value = grammar_.after_call(value, any_value());
  grammar_.jump(after_space(grammar_.literal(after_value, ",")), key);
  grammar_.jump(after_space(after_value), close);
  grammar_.byte(close, '}', '}', grammar_.add_state(true));
  return *any_object_;
}

Result<void> SchemaRules::add_array(const Shape& shape, StateId from, StateId to) {
  std::uint32_t max = shape.max_items;
  const std::size_t n_prefix = shape.n_prefix_items();
  for (std::uint32_t i = 0; i <= n_prefix && i < max; ++i) {
    if (is_never(shape.item(i))) max = i;
  }
  if (shape.unique_items && max > 1) {
    JEVONS_TRY(
        reader_.unsupported(*shape.unique_items, "uniqueItems", "it cannot be held while writing"));
  }
  if (shape.min_items > max) return {};
  if (shape.min_items > kMaxCountedItems || n_prefix > kMaxCountedItems) {
    return fail("the schema asks for an array of more than {} items", kMaxCountedItems);
  }
  if (max != CountLimits::kNone) max = std::min(max, kMaxCountedItems);
  const StateId close = grammar_.add_state();
  grammar_.byte(close, ']', ']', to);
  const StateId open = after_space(grammar_.literal(from, "["));
  if (shape.min_items == 0) grammar_.jump(open, close);
  StateId item = grammar_.add_state();
  grammar_.jump(open, item);
  // From here on all items are alike.
  const auto n_counted = static_cast<std::uint32_t>(
      std::max<std::size_t>(n_prefix, shape.min_items > 0 ? shape.min_items - 1 : 0));
  for (std::uint32_t i = 0; i < max; ++i) {
    JEVONS_TRY(budget_.spend(4));
    const StateId after = grammar_.after_call(item, value(shape.item(i)));
    if (i + 1 >= shape.min_items) grammar_.jump(after_space(after), close);
    if (i + 1 == max) break;
    const StateId next = after_space(grammar_.literal(after, ","));
    if (max == CountLimits::kNone && i >= n_counted) {
      grammar_.jump(next, item);
      break;
    }
    item = next;
  }
  return {};
}

/// Writes the properties of an object in their order. A position is the first property that may
/// come next and the number of properties so far, which is counted only where there are limits.
class SchemaRules::ObjectWriter {
 public:
  ObjectWriter(SchemaRules& rules, const Shape& shape, StateId to)
      : rules_(rules), grammar_(rules.grammar_), shape_(shape), to_(to) {}

  /// False: there is no such object.
  Result<bool> plan() {
    JEVONS_ASSIGN(const bool is_possible, list_properties());
    if (!is_possible) return false;
    const auto others = shape_.other_properties();
    const bool declares_any =
        !shape_.required.empty() ||
        std::any_of(shape_.objects.begin(), shape_.objects.end(),
                    [](const auto& part) { return !part.properties.empty(); });
    if (others ? !is_never(*others) : !declares_any) others_ = others.value_or(SchemaList{});
    min_ = shape_.min_properties;
    max_ = shape_.max_properties;
    if (!others_ && max_ >= properties_.size()) max_ = CountLimits::kNone;
    if (max_ != CountLimits::kNone) max_ = std::min(max_, kMaxCountedProperties);
    // A key that is written twice is one property, so free keys can stand for the first alone.
    const auto sure = static_cast<std::uint32_t>(std::max<std::size_t>(n_required_, 1));
    if (others_ && min_ > sure) {
      JEVONS_TRY(rules_.reader_.unsupported(
          "", "minProperties", fmt::format("free keys can be held to {} at the most", sure)));
      min_ = sure;
    }
    if (min_ <= n_required_ && max_ == CountLimits::kNone) min_ = 0;
    if (min_ > kMaxCountedProperties) {
      return fail("the schema asks for an object of more than {} properties",
                  kMaxCountedProperties);
    }
    return min_ <= max_ && n_required_ <= max_;
  }

  Result<void> write(StateId from) {
    if (others_) JEVONS_TRY(prepare_others());
    const StateId open = rules_.after_space(grammar_.literal(from, "{"));
    grammar_.jump(open, before({0, 0}));
    if (may_close({0, 0})) grammar_.byte(open, '}', '}', to_);
    while (!pending_.empty()) {
      const Position position = pending_.back();
      pending_.pop_back();
      JEVONS_TRY(write_from(position));
    }
    return {};
  }

 private:
  struct Property {
    std::string name;
    SchemaList schemas;
    bool is_required;
  };
  using Position = std::pair<std::size_t, std::uint32_t>;

  /// All declared names in the order in which they first occur; required ones that no schema
  /// declares come last.
  Result<bool> list_properties() {
    std::vector<std::string> names;
    for (const Shape::ObjectPart& part : shape_.objects) {
      for (const Shape::Property& property : part.properties) {
        if (known_.insert(property.name).second) names.push_back(property.name);
      }
    }
    const std::set<std::string> declared = known_;
    const SchemaList undeclared = shape_.other_properties().value_or(SchemaList{});
    for (const std::string& name : shape_.required) {
      if (known_.insert(name).second) names.push_back(name);
    }
    JEVONS_TRY(rules_.budget_.spend(names.size() * (2 + shape_.objects.size())));
    for (const std::string& name : names) {
      Property property{name, shape_.property(name), shape_.requires_property(name)};
      if (!declared.contains(name)) property.schemas = undeclared;
      if (is_never(property.schemas)) {
        if (property.is_required) return false;
        continue;
      }
      n_required_ += property.is_required ? 1 : 0;
      properties_.push_back(std::move(property));
    }
    return true;
  }

  /// Keys that are not declared, and what may follow them.
  Result<void> prepare_others() {
    other_value_ = rules_.value(*others_);
    if (known_.empty()) {
      other_key_ = rules_.piece(rules_.lexemes_.string(rules_.dialect_));
      return {};
    }
    const std::vector<std::string> names(known_.begin(), known_.end());
    JEVONS_ASSIGN(const CharDfa declared, one_of(names, rules_.budget_));
    const std::string_view forbidden = rules_.dialect_ == Dialect::kJson ? "" : kValueEnd;
    JEVONS_ASSIGN(Lexeme lexeme, json_string_lexeme(TextLanguage{complement(declared)}, forbidden,
                                                    rules_.budget_));
    other_key_ = rules_.piece(std::make_shared<const Lexeme>(std::move(lexeme)));
    return {};
  }

  /// The state in which a property has to come.
  StateId before(Position position) {
    const auto [place, is_new] = before_.try_emplace(position, 0);
    if (is_new) {
      place->second = grammar_.add_state();
      pending_.push_back(position);
    }
    return place->second;
  }

  [[nodiscard]] bool may_close(Position position) const {
    const auto first = properties_.begin() + static_cast<std::ptrdiff_t>(position.first);
    return position.second >= min_ && std::none_of(first, properties_.end(), [](const auto& each) {
             return each.is_required;
           });
  }

  [[nodiscard]] std::uint32_t counted(std::uint32_t n) const {
    return max_ != CountLimits::kNone ? n + 1 : std::min(n + 1, min_);
  }

  Result<void> write_from(Position position) {
    const auto [i, n] = position;
    const StateId here = before(position);
    JEVONS_TRY(rules_.budget_.spend(4));
    if (i == properties_.size()) {
      if (!others_ || n == max_) return {};
      const StateId colon = grammar_.literal(grammar_.after_call(here, other_key_), ":");
      write_after(grammar_.after_call(rules_.after_space(colon), other_value_), {i, counted(n)});
      return {};
    }
    const Property& property = properties_[i];
    if (!property.is_required) grammar_.jump(here, before({i + 1, n}));
    if (n == max_) return {};
    const StateId colon = grammar_.literal(here, rules_.spelled(property.name) + ":");
    const RuleId value = rules_.value(property.schemas);
    write_after(grammar_.after_call(rules_.after_space(colon), value), {i + 1, counted(n)});
    return {};
  }

  /// A comma and another property, or the end.
  void write_after(StateId from, Position next) {
    grammar_.jump(rules_.after_space(grammar_.literal(from, ",")), before(next));
    if (may_close(next)) grammar_.byte(rules_.after_space(from), '}', '}', to_);
  }

  SchemaRules& rules_;
  GrammarBuilder& grammar_;
  const Shape& shape_;
  StateId to_;
  std::set<std::string> known_;
  std::vector<Property> properties_;
  std::size_t n_required_ = 0;
  std::optional<SchemaList> others_;  // absent: only declared properties
  RuleId other_key_ = 0, other_value_ = 0;
  std::uint32_t min_ = 0, max_ = CountLimits::kNone;
  std::map<Position, StateId> before_;
  std::vector<Position> pending_;
};

Result<void> SchemaRules::add_object(const Shape& shape, StateId from, StateId to) {
  ObjectWriter writer(*this, shape, to);
  JEVONS_ASSIGN(const bool is_possible, writer.plan());
  if (!is_possible) return {};
  return writer.write(from);
}

}  // namespace jevons
