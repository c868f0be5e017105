#include "api/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "base/atomic_file.h"
#include "base/check.h"

namespace jevons {
namespace {

constexpr std::uint64_t kLargestFile = 1 << 20;
constexpr std::size_t kShortestKey = 8;
constexpr std::int64_t kMost = 1'000'000'000;
constexpr std::int64_t kMostTokens = 1'000'000'000'000;

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view text) {
  Digest digest{};
  unsigned int n = 0;
  JEVONS_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &n, EVP_sha256(), nullptr) == 1);
  return digest;
}

std::optional<Digest> digest_of_hex(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    unsigned value = 0;
    if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = static_cast<unsigned>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value = static_cast<unsigned>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
    digest[i / 2] = static_cast<unsigned char>(digest[i / 2] << 4 | value);
  }
  return digest;
}

// Reads one [[key]] table; the place of a field goes into every error.
class KeyReader {
 public:
  KeyReader(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  Result<ApiKey> read() const {
    JEVONS_TRY(check_names());
    ApiKey key;
    JEVONS_ASSIGN(const auto name, text("name"));
    if (!name || name->empty()) return fail("{}: a key must have a name", place());
    key.name = *name;
    JEVONS_ASSIGN(key.sha256, digest());
    JEVONS_ASSIGN(const auto priority, text("priority"));
    if (priority && *priority != "interactive" && *priority != "background") {
      return fail("{}: priority must be \"interactive\" or \"background\"", place("priority"));
    }
    if (priority == "background") key.priority = Priority::kBackground;
    JEVONS_ASSIGN(key.requests_per_minute, limit("requests_per_minute"));
    JEVONS_ASSIGN(key.max_concurrent, limit("max_concurrent"));
    JEVONS_ASSIGN(key.max_tokens, limit("max_tokens"));
    JEVONS_ASSIGN(key.budget.tokens, whole("tokens_per_day", kMostTokens));
    JEVONS_ASSIGN(key.budget.watt_hours, amount("watt_hours_per_day"));
    JEVONS_ASSIGN(key.budget.money, amount("money_per_day"));
    JEVONS_ASSIGN(key.sees_all, flag("sees_all"));
    return key;
  }

 private:
  Result<void> check_names() const {
    constexpr std::string_view kNames[] = {
        "name",           "key",        "sha256",   "priority",       "requests_per_minute",
        "max_concurrent", "max_tokens", "sees_all", "tokens_per_day", "watt_hours_per_day",
        "money_per_day"};
    for (const auto& [key, node] : table_) {
      if (std::find(std::begin(kNames), std::end(kNames), key.str()) == std::end(kNames)) {
        return fail("{}: a key has no field '{}'", place(key.str()), std::string(key.str()));
      }
    }
    return {};
  }
  Result<Digest> digest() const {
    JEVONS_ASSIGN(const auto plain, text("key"));
    JEVONS_ASSIGN(const auto hex, text("sha256"));
    if (plain.has_value() == hex.has_value()) {
      return fail("{}: a key must have either key or sha256", place());
    }
    if (plain && plain->size() < kShortestKey) {
      return fail("{}: a key must have at least {} characters", place("key"), kShortestKey);
    }
    if (plain) return sha256(*plain);
    const auto parsed = digest_of_hex(*hex);
    if (!parsed) return fail("{}: sha256 must be 64 hexadecimal digits", place("sha256"));
    return *parsed;
  }
  Result<std::optional<std::string>> text(std::string_view name) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_string();
    if (value == nullptr) return fail("{}: {} must be a text", place(name), name);
    return value->get();
  }
  Result<bool> flag(std::string_view name) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return false;
    const auto* value = node->as_boolean();
    if (value == nullptr) return fail("{}: {} must be true or false", place(name), name);
    return value->get();
  }
  Result<int> limit(std::string_view name) const {
    JEVONS_ASSIGN(const std::int64_t value, whole(name, kMost));
    return static_cast<int>(value);
  }
  Result<std::int64_t> whole(std::string_view name, std::int64_t most) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return 0;
    const auto* value = node->as_integer();
    if (value == nullptr || value->get() < 0 || value->get() > most) {
      return fail("{}: {} must be a whole number between 0 (no limit) and {}", place(name), name,
                  most);
    }
    return value->get();
  }
  Result<double> amount(std::string_view name) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return 0.0;
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    // Not a number compares false with everything.
    if (!value || !(*value >= 0 && *value <= static_cast<double>(kMost))) {
      return fail("{}: {} must be a number between 0 (no limit) and {}", place(name), name, kMost);
    }
    return *value;
  }
  std::string place(std::string_view name = {}) const {
    const toml::node* node = name.empty() ? nullptr : table_.get(name);
    const auto line = (node != nullptr ? node->source() : table_.source()).begin.line;
    return fmt::format("{}:{}", path_, line);
  }

  const toml::table& table_;
  const std::string& path_;
};

Result<std::vector<ApiKey>> keys_of(const toml::table& file, const std::string& path) {
  for (const auto& [name, node] : file) {
    if (name.str() != "key") {
      return fail("{}:{}: '{}' is not known here; each key is a table [[key]]", path,
                  name.source().begin.line, std::string(name.str()));
    }
  }
  const toml::array* tables = file["key"].as_array();
  if (tables == nullptr || tables->empty()) {
    return fail("{}: has no keys; each is a table [[key]] with name and key", path);
  }
  std::vector<ApiKey> keys;
  for (const toml::node& node : *tables) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail("{}: each key must be a table [[key]]", path);
    JEVONS_ASSIGN(ApiKey key, KeyReader(*table, path).read());
    for (const ApiKey& other : keys) {
      if (other.name == key.name) return fail("{}: two keys are called '{}'", path, key.name);
      if (other.sha256 == key.sha256) {
        return fail("{}: '{}' and '{}' are the same key", path, other.name, key.name);
      }
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

Result<ApiKeys> ApiKeys::single(std::string_view key) {
  if (key.size() < kShortestKey) {
    return fail("--api-key must have at least {} characters", kShortestKey);
  }
  ApiKey made;
  made.name = "key";
  made.sha256 = sha256(key);
  ApiKeys keys;
  keys.keys_.push_back(std::make_shared<const ApiKey>(std::move(made)));
  return keys;
}

Result<ApiKeys> ApiKeys::read(const std::string& path) {
  JEVONS_ASSIGN(const std::string text, read_file(path, kLargestFile));
  try {
    JEVONS_ASSIGN(std::vector<ApiKey> found, keys_of(toml::parse(text, path), path));
    ApiKeys keys;
    for (ApiKey& key : found) {
      keys.keys_.push_back(std::make_shared<const ApiKey>(std::move(key)));
    }
    return keys;
  } catch (const toml::parse_error& error) {
    return fail("{}:{}: {}", path, error.source().begin.line, error.description());
  }
}

std::shared_ptr<const ApiKey> ApiKeys::find(std::string_view presented) const {
  const Digest digest = sha256(presented);
  std::shared_ptr<const ApiKey> found;
  for (const auto& key : keys_) {
    if (CRYPTO_memcmp(key->sha256.data(), digest.data(), digest.size()) == 0) found = key;
  }
  return found;
}

}  // namespace jevons
