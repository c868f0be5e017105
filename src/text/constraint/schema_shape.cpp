#include "text/constraint/schema_shape.h"

#include <fmt/format.h>

#include <algorithm>

namespace jevons {

bool Shape::requires_property(std::string_view name) const {
  return std::find(required.begin(), required.end(), name) != required.end();
}

SchemaList Shape::property(std::string_view name) const {
  SchemaList list;
  for (const ObjectPart& part : objects) {
    const auto named = std::find_if(part.properties.begin(), part.properties.end(),
                                    [&](const Property& each) { return each.name == name; });
    if (named != part.properties.end()) {
      list.push_back(named->schema);
    } else if (part.others) {
      list.push_back(*part.others);
    }
  }
  return list;
}

std::optional<SchemaList> Shape::other_properties() const {
  std::optional<SchemaList> list;
  for (const ObjectPart& part : objects) {
    if (!part.others) continue;
    if (!list) list.emplace();
    list->push_back(*part.others);
  }
  // Properties that additionalProperties speaks of are evaluated.
  if (!list && !unevaluated.empty()) list = unevaluated;
  return list;
}

SchemaList Shape::item(std::size_t index) const {
  SchemaList list;
  for (const ArrayPart& part : arrays) {
    if (index < part.prefix.size()) {
      list.push_back(part.prefix[index]);
    } else if (part.items) {
      list.push_back(*part.items);
    }
  }
  return list;
}

std::size_t Shape::n_prefix_items() const {
  std::size_t n = 0;
  for (const ArrayPart& part : arrays) n = std::max(n, part.prefix.size());
  return n;
}

bool is_never(const SchemaNode& node) {
  return node.schema->kind == JsonValue::Kind::kBoolean && !node.schema->boolean;
}

bool is_never(const SchemaList& nodes) {
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const SchemaNode& node) { return is_never(node); });
}

Result<void> SchemaReader::unsupported(std::string_view path, std::string_view keyword,
                                       std::string_view reason) {
  const std::string place(path);
  if (unsupported_ == Unsupported::kRefuse) {
    return fail("the schema's keyword \"{}\"{}{} is not supported here: {}", keyword,
                path.empty() ? "" : " at ", place, reason);
  }
  const std::string whole =
      path.empty() ? std::string(keyword) : fmt::format("{}.{}", path, keyword);
  const bool is_known =
      std::any_of(report_.dropped.begin(), report_.dropped.end(),
                  [&](const DroppedKeyword& dropped) { return dropped.path == whole; });
  if (!is_known) {
    JEVONS_TRY(budget_.spend(report_.dropped.size()));
    report_.dropped.push_back({whole, std::string(keyword), std::string(reason)});
  }
  return {};
}

SchemaNode SchemaReader::target(std::string_view reference) const {
  if (!reference.starts_with('#')) return {nullptr, {}};
  std::string_view rest = reference.substr(1);
  SchemaNode at{&root_, {}};
  while (rest.starts_with('/')) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    std::string key;
    for (std::size_t i = 0; i < end; ++i) {
      const bool is_escape =
          rest[i] == '~' && i + 1 < end && (rest[i + 1] == '0' || rest[i + 1] == '1');
      const bool is_percent = rest[i] == '%' && i + 2 < end;
      if (is_escape) {
        key += rest[++i] == '0' ? '~' : '/';
      } else if (is_percent) {
        const std::string hex(rest.substr(i + 1, 2));
        char* stop = nullptr;
        const auto byte = std::strtol(hex.c_str(), &stop, 16);
        if (stop != hex.c_str() + 2) return {nullptr, {}};
        key += static_cast<char>(byte);
        i += 2;
      } else {
        key += rest[i];
      }
    }
    rest.remove_prefix(end);
    if (at.schema->is_array()) {
      std::size_t index = 0;
      for (const char c : key) {
        if (c < '0' || c > '9' || index > at.schema->items.size()) return {nullptr, {}};
        index = index * 10 + static_cast<std::size_t>(c - '0');
      }
      if (key.empty() || index >= at.schema->items.size()) return {nullptr, {}};
      at.schema = &at.schema->items[index];
    } else {
      at.schema = at.schema->find(key);
      if (at.schema == nullptr) return {nullptr, {}};
    }
    at.path += (at.path.empty() ? "" : ".") + key;
  }
  return rest.empty() ? at : SchemaNode{nullptr, {}};
}

}  // namespace jevons
