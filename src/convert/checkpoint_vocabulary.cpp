#include "convert/checkpoint_vocabulary.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "text/tokenizer_json.h"

namespace jevons {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 26;

/// The object in a file of the folder; null if there is no such file.
Result<Json> read_optional_object(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Json();
  JEVONS_ASSIGN(const std::string text, read_file(path, kMaxFileBytes));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return fail("{}: not a JSON object", path);
  return json;
}

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto place = object.find(key);
  return place == object.end() || place->is_null() ? nullptr : &*place;
}

/// "pad_token": a string, or an object with the string in "content".
std::string token_text(const Json& config, const char* key) {
  const Json* token = find(config, key);
  if (token != nullptr && token->is_object()) token = find(*token, "content");
  return token != nullptr && token->is_string() ? token->get<std::string>() : "";
}

void set_id(const Vocabulary& vocabulary, const std::string& text,
            std::optional<std::int32_t>& id) {
  if (text.empty()) return;
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    if (vocabulary.kinds[i] != TokenKind::kNormal && vocabulary.tokens[i] == text) {
      id = static_cast<std::int32_t>(i);
      return;
    }
  }
}

/// tokenizer_config.json: either the template itself, or a list of named ones with "default".
std::string template_in(const Json& config) {
  const Json* value = find(config, "chat_template");
  if (value == nullptr) return "";
  if (value->is_string()) return value->get<std::string>();
  if (!value->is_array()) return "";
  for (const Json& named : *value) {
    const Json* name = find(named, "name");
    const Json* text = find(named, "template");
    if (name != nullptr && *name == "default" && text != nullptr && text->is_string()) {
      return text->get<std::string>();
    }
  }
  return "";
}

void read_sampling(const Json& config, Vocabulary::SamplingDefaults& sampling) {
  const auto number = [&config](const char* key) -> const Json* {
    const Json* value = find(config, key);
    return value != nullptr && value->is_number() ? value : nullptr;
  };
  if (const Json* value = number("temperature")) sampling.temperature = value->get<float>();
  if (const Json* value = number("top_p")) sampling.top_p = value->get<float>();
  const Json* top_k = number("top_k");
  if (top_k != nullptr && top_k->is_number_unsigned() && *top_k <= 1'000'000) {
    sampling.top_k = top_k->get<std::int32_t>();
  }
}

}  // namespace

Result<Vocabulary> read_checkpoint_vocabulary(const std::string& folder, int n_tokens) {
  const std::filesystem::path base(folder);
  JEVONS_ASSIGN(Vocabulary vocabulary, read_tokenizer_json((base / "tokenizer.json").string()));
  const auto n_rows = static_cast<std::size_t>(n_tokens);
  if (vocabulary.tokens.size() > n_rows) {
    return fail("{}: tokenizer.json has {} tokens, but the embedding has {} rows", folder,
                vocabulary.tokens.size(), n_rows);
  }
  for (std::size_t id = vocabulary.tokens.size(); id < n_rows; ++id) {
    vocabulary.tokens.push_back(fmt::format("[PAD{}]", id));
    vocabulary.kinds.push_back(TokenKind::kUnused);
  }
  JEVONS_ASSIGN(const Json config, read_optional_object((base / "tokenizer_config.json").string()));
  set_id(vocabulary, token_text(config, "bos_token"), vocabulary.bos_id);
  set_id(vocabulary, token_text(config, "eos_token"), vocabulary.eos_id);
  set_id(vocabulary, token_text(config, "unk_token"), vocabulary.unknown_id);
  set_id(vocabulary, token_text(config, "pad_token"), vocabulary.padding_id);
  const std::string template_path = (base / "chat_template.jinja").string();
  std::error_code ignored;
  if (std::filesystem::exists(template_path, ignored)) {
    JEVONS_ASSIGN(vocabulary.chat_template, read_file(template_path, kMaxFileBytes));
  } else {
    vocabulary.chat_template = template_in(config);
  }
  JEVONS_ASSIGN(const Json generation,
                read_optional_object((base / "generation_config.json").string()));
  read_sampling(generation, vocabulary.sampling);
  return vocabulary;
}

}  // namespace jevons
