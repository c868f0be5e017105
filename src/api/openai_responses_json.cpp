#include "api/openai_responses_json.h"

namespace jevons {
namespace {

Parsed<const JsonValue*> field_of_kind(const JsonValue& object, std::string_view key,
                                       std::string_view path, JsonValue::Kind kind) {
  const JsonValue* const value = set_field(object, key);
  if (value != nullptr && value->kind != kind) {
    return wrong_kind_of_field(member_path(path, key), *value, json_kind_name(kind));
  }
  return value;
}

}  // namespace

Parsed<const JsonValue*> object_field(const JsonValue& object, std::string_view key,
                                      std::string_view path) {
  return field_of_kind(object, key, path, JsonValue::Kind::kObject);
}

Parsed<const JsonValue*> list_field(const JsonValue& object, std::string_view key,
                                    std::string_view path) {
  return field_of_kind(object, key, path, JsonValue::Kind::kArray);
}

Parsed<std::string> name_field(const JsonValue& object, std::string_view key,
                               std::string_view path) {
  JEVONS_ASSIGN(std::string name, required_string(object, key, path));
  if (name.empty()) return invalid_field(member_path(path, key), "is empty");
  return name;
}

}  // namespace jevons
