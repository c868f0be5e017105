// SchemaReader: the keywords that combine schemas, and whether the branches of oneOf exclude each
// other.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/constraint/schema_shape.h"
#include "text/constraint/schema_values.h"

namespace jevons {
namespace {

constexpr std::size_t kMaxShapes = 400;
constexpr int kMaxDisjointDepth = 3;

std::string joined(std::string_view path, std::string_view part) {
  return path.empty() ? std::string(part) : fmt::format("{}.{}", path, part);
}

bool have_disjoint_numbers(const NumberRule& a, const NumberRule& b) {
  const auto is_below = [](const NumberRule& low, const NumberRule& high) {
    if (!low.upper || !high.lower) return false;
    if (low.upper->value != high.lower->value) return low.upper->value < high.lower->value;
    return low.upper->is_exclusive || high.lower->is_exclusive;
  };
  return is_below(a, b) || is_below(b, a);
}

bool have_disjoint_choices(const Shape& a, const Shape& b) {
  if (!a.choices || !b.choices) return false;
  return std::none_of(a.choices->begin(), a.choices->end(), [&](const JsonValue* in_a) {
    return std::any_of(b.choices->begin(), b.choices->end(),
                       [&](const JsonValue* in_b) { return same_json(*in_a, *in_b); });
  });
}

}  // namespace

Result<SchemaReader::Shapes> SchemaReader::apply_reference(const SchemaNode& node, Shapes shapes) {
  const JsonValue* reference = node.schema->find("$ref");
  if (reference == nullptr) return shapes;
  const SchemaNode there = reference->is_string() ? target(reference->text) : SchemaNode{};
  if (there.schema == nullptr) {
    JEVONS_TRY(unsupported(node.path, "$ref",
                           fmt::format("\"{}\" leads nowhere in this schema", reference->text)));
    return shapes;
  }
  return apply(there, std::move(shapes));
}

Result<SchemaReader::Shapes> SchemaReader::apply_all(const SchemaNode& node, Shapes shapes) {
  const JsonValue* all = node.schema->find("allOf");
  if (all == nullptr) return shapes;
  if (!all->is_array()) {
    JEVONS_TRY(unsupported(node.path, "allOf", "expected a list of schemas"));
    return shapes;
  }
  for (std::size_t i = 0; i < all->items.size(); ++i) {
    const SchemaNode part{&all->items[i], joined(node.path, fmt::format("allOf.{}", i))};
    JEVONS_ASSIGN(shapes, apply(part, std::move(shapes)));
  }
  return shapes;
}

Result<SchemaReader::Shapes> SchemaReader::apply_any(const SchemaNode& node,
                                                     std::string_view keyword, Shapes shapes) {
  const JsonValue* any = node.schema->find(keyword);
  if (any == nullptr) return shapes;
  if (!any->is_array() || any->items.empty()) {
    JEVONS_TRY(unsupported(node.path, keyword, "expected a list of schemas"));
    return shapes;
  }
  std::vector<Shapes> branches;
  Shapes joint;
  for (std::size_t i = 0; i < any->items.size(); ++i) {
    const SchemaNode part{&any->items[i], joined(node.path, fmt::format("{}.{}", keyword, i))};
    JEVONS_ASSIGN(Shapes branch, apply(part, shapes));
    if (joint.size() + branch.size() > kMaxShapes) {
      return fail("the schema is too complex: over {} combinations of anyOf and oneOf at {}",
                  kMaxShapes, node.path.empty() ? "the top" : node.path);
    }
    joint.insert(joint.end(), branch.begin(), branch.end());
    branches.push_back(std::move(branch));
  }
  if (keyword == "oneOf") {
    JEVONS_ASSIGN(const bool is_sure, are_disjoint(branches, 0));
    if (!is_sure) {
      JEVONS_TRY(unsupported(node.path, keyword,
                             "two of its branches may both hold; it is held as anyOf"));
    }
  }
  return joint;
}

Result<bool> SchemaReader::are_disjoint(const std::vector<Shapes>& branches, int depth) {
  for (std::size_t i = 0; i < branches.size(); ++i) {
    for (std::size_t j = i + 1; j < branches.size(); ++j) {
      for (const Shape& a : branches[i]) {
        for (const Shape& b : branches[j]) {
          JEVONS_ASSIGN(const bool are, are_disjoint(a, b, depth));
          if (!are) return false;
        }
      }
    }
  }
  return true;
}

Result<bool> SchemaReader::are_disjoint(const Shape& a, const Shape& b, int depth) {
  JEVONS_TRY(budget_.spend(20));
  const auto both = static_cast<std::uint8_t>(a.kinds & b.kinds);
  if (both == 0 || have_disjoint_choices(a, b)) return true;
  if ((both & (ValueType::kNull | ValueType::kBoolean)) != 0) return false;
  const bool numbers = (both & (ValueType::kInteger | ValueType::kFraction)) != 0;
  if (numbers && !have_disjoint_numbers(a.number, b.number)) return false;
  const bool lengths_meet = a.min_length <= b.max_length && b.min_length <= a.max_length;
  if ((both & ValueType::kString) != 0 && lengths_meet) return false;
  const bool sizes_meet = a.min_items <= b.max_items && b.min_items <= a.max_items;
  if ((both & ValueType::kArray) != 0 && sizes_meet) return false;
  if ((both & ValueType::kObject) == 0) return true;
  return have_disjoint_objects(a, b, depth);
}

/// Objects exclude each other by a property that one of them must have: the other forbids it, or
/// its values there are disjoint.
Result<bool> SchemaReader::have_disjoint_objects(const Shape& a, const Shape& b, int depth) {
  if (depth >= kMaxDisjointDepth) return false;
  std::vector<std::string> names = a.required;
  names.insert(names.end(), b.required.begin(), b.required.end());
  for (const std::string& name : names) {
    const SchemaList in_a = a.property(name);
    const SchemaList in_b = b.property(name);
    if (is_never(in_a) || is_never(in_b)) return true;
    if (in_a.empty() || in_b.empty()) continue;
    // The values' own keywords were or will be read where they are compiled: nothing is reported.
    ConstraintReport ignored;
    SchemaReader reader(root_, Unsupported::kDrop, ignored, budget_);
    reader.disjoint_depth_ = depth + 1;
    JEVONS_ASSIGN(Shapes shapes_a, reader.shapes(in_a));
    JEVONS_ASSIGN(Shapes shapes_b, reader.shapes(in_b));
    JEVONS_ASSIGN(const bool are,
                  are_disjoint({std::move(shapes_a), std::move(shapes_b)}, depth + 1));
    if (are) return true;
  }
  return false;
}

}  // namespace jevons
