// JSON schemas taken apart: references followed, allOf merged, anyOf and oneOf spread out, until
// what is left is a list of shapes of which a value must have one. A shape's own keywords all hold;
// the schemas inside it (of properties and items) are still as they were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/constraint/number_lexeme.h"
#include "text/constraint/work_budget.h"
#include "text/json_value.h"
#include "text/output_constraint.h"
#include "text/tool_schema.h"

namespace jevons {

/// A schema and where it stands: "properties.name".
struct SchemaNode {
  const JsonValue* schema;
  std::string path;
};
using SchemaList = std::vector<SchemaNode>;  // a value must satisfy all of them

struct Shape {
  std::uint8_t kinds = ValueType::kAny;

  // Strings.
  struct Pattern {
    std::string regex, keyword, path;
  };
  std::uint32_t min_length = 0, max_length = 0xFFFFFFFF;
  std::vector<Pattern> patterns{};  // formats too

  NumberRule number{};

  // Arrays.
  struct ArrayPart {
    SchemaList prefix;
    std::optional<SchemaNode> items;  // after the prefix
  };
  std::vector<ArrayPart> arrays{};
  std::uint32_t min_items = 0, max_items = 0xFFFFFFFF;
  std::optional<std::string> unique_items{};  // path of the keyword

  // Objects.
  struct Property {
    std::string name;
    SchemaNode schema;
  };
  struct ObjectPart {
    std::vector<Property> properties;
    std::optional<SchemaNode> others;  // additionalProperties
  };
  std::vector<ObjectPart> objects{};
  SchemaList unevaluated{};  // unevaluatedProperties
  std::vector<std::string> required{};
  std::uint32_t min_properties = 0, max_properties = 0xFFFFFFFF;

  std::optional<std::vector<const JsonValue*>> choices{};  // of enum and const

  [[nodiscard]] bool allows(std::uint8_t kind) const { return (kinds & kind) != 0; }
  [[nodiscard]] bool requires_property(std::string_view name) const;
  /// What the schemas say about one property.
  [[nodiscard]] SchemaList property(std::string_view name) const;
  /// What they say about properties that none of them names; absent: nothing is said.
  [[nodiscard]] std::optional<SchemaList> other_properties() const;
  /// What they say about the item at `index`, and about all items after every prefix.
  [[nodiscard]] SchemaList item(std::size_t index) const;
  [[nodiscard]] std::size_t n_prefix_items() const;
};

/// The schema `false`, or one of several that is.
[[nodiscard]] bool is_never(const SchemaNode& node);
[[nodiscard]] bool is_never(const SchemaList& nodes);

/// Reads schemas below one root, which must stay. One thread.
class SchemaReader {
 public:
  SchemaReader(const JsonValue& root, Unsupported unsupported, ConstraintReport& report,
               WorkBudget& budget)
      : root_(root), unsupported_(unsupported), report_(report), budget_(budget) {}

  /// Values that satisfy all of `nodes` have one of these shapes; none: there is no such value.
  /// Errors: a keyword that is refused; a reference to itself; over the budget.
  [[nodiscard]] Result<std::vector<Shape>> shapes(const SchemaList& nodes);

  /// `keyword` of the schema at `path` cannot be held: an error, or one more in the report.
  [[nodiscard]] Result<void> unsupported(std::string_view path, std::string_view keyword,
                                         std::string_view reason);

  /// Where a local reference ("#", "#/$defs/x") leads; null schema if nowhere.
  [[nodiscard]] SchemaNode target(std::string_view reference) const;

 private:
  using Shapes = std::vector<Shape>;
  struct Keyword;  // one of a schema that is being applied

  [[nodiscard]] Result<Shapes> apply(const SchemaNode& node, Shapes shapes);
  [[nodiscard]] Result<void> apply_keyword(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_type(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_choices(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_bound(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_multiple(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_limit(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_text(const Keyword& keyword, Shapes& shapes);
  [[nodiscard]] Result<void> apply_array(const SchemaNode& node, Shapes& shapes);
  [[nodiscard]] Result<void> apply_object(const SchemaNode& node, Shapes& shapes);
  [[nodiscard]] Result<Shapes> apply_reference(const SchemaNode& node, Shapes shapes);
  [[nodiscard]] Result<Shapes> apply_all(const SchemaNode& node, Shapes shapes);
  [[nodiscard]] Result<Shapes> apply_any(const SchemaNode& node, std::string_view keyword,
                                         Shapes shapes);
  [[nodiscard]] Result<bool> are_disjoint(const Shape& a, const Shape& b, int depth);
  [[nodiscard]] Result<bool> are_disjoint(const std::vector<Shapes>& branches, int depth);
  [[nodiscard]] Result<bool> have_disjoint_objects(const Shape& a, const Shape& b, int depth);

  const JsonValue& root_;
  Unsupported unsupported_;
  ConstraintReport& report_;
  WorkBudget& budget_;
  std::vector<const JsonValue*> in_progress_;
  int disjoint_depth_ = 0;
};

}  // namespace jevons
