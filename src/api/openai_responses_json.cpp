#include "api/openai_responses_json.h"

#include "api/openai_request.h"

namespace jevons {

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
