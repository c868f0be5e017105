#include "text/tokenizer_json.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/atomic_file.h"
#include "base/byte_spelling.h"
#include "text/byte_pairs.h"
#include "text/m2_markers.h"
#include "text/pre_tokenizer.h"

namespace jevons {
namespace {

// Sorted keys: a vocabulary has too many for ordered_json, which searches them one by one.
using Json = nlohmann::json;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMaxTokens = 1'000'000;
constexpr std::string_view kUnknownToken = "]!d~[";

/// A value for a message, cut if it is long.
std::string shown(const Json& value) {
  constexpr std::size_t kMaxShown = 80;
  std::string text = value.is_structured() && value.size() > 8
                         ? fmt::format("{} of {} elements", value.type_name(), value.size())
                         : value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

const Json& member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto place = object.find(key);
  return place == object.end() ? kNull : *place;
}

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }
bool is_false(const Json& value) { return value.is_boolean() && !value.get<bool>(); }
bool is_string(const Json& value, std::string_view text) {
  return value.is_string() && value.get_ref<const std::string&>() == text;
}

class VocabularyReader {
 public:
  VocabularyReader(const Json& root, const std::string& name)
      : root_(root), model_(member(root, "model")), name_(name) {}

  Result<Vocabulary> read() {
    JEVONS_TRY(check_root());
    JEVONS_TRY(check_model());
    JEVONS_TRY(check_pre_tokenizer());
    JEVONS_TRY(read_tokens());
    JEVONS_TRY(read_added_tokens());
    fill_holes();
    JEVONS_TRY(read_merges());
    JEVONS_TRY(check_ignore_merges());
    vocabulary_.pre_tokenizer = "minimax-m2";
    vocabulary_.bos_id = find_special(kBeginOfText);
    vocabulary_.eos_id = find_special(kEndOfTurn);
    vocabulary_.unknown_id = find_special(kUnknownToken);
    return std::move(vocabulary_);
  }

 private:
  Result<void> check_root() const {
    if (!root_.is_object()) return fail("{}: must be an object, is {}", name_, shown(root_));
    if (!model_.is_object()) return fail("{}: 'model' must be an object", name_);
    const Json& normalizer = member(root_, "normalizer");
    if (!normalizer.is_null()) {
      return fail("{}: 'normalizer' is {}, must be null: text is encoded as it stands", name_,
                  shown(normalizer));
    }
    return {};
  }

  Result<void> check_model() const {
    const Json& type = member(model_, "type");
    if (!type.is_null() && !is_string(type, "BPE")) {
      return fail("{}: 'model.type' is {}, must be \"BPE\"", name_, shown(type));
    }
    for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
      const Json& value = member(model_, key);
      const bool is_zero = value.is_number() && value.get<double>() == 0;
      if (!value.is_null() && !is_string(value, "") && !is_zero) {
        return fail("{}: 'model.{}' is {}, which is not supported", name_, key, shown(value));
      }
    }
    const Json& byte_fallback = member(model_, "byte_fallback");
    if (!byte_fallback.is_null() && !is_false(byte_fallback)) {
      return fail("{}: 'model.byte_fallback' is {}, must be false in a byte-level vocabulary",
                  name_, shown(byte_fallback));
    }
    return {};
  }

  /// Split by M2's pattern, then ByteLevel without a pattern of its own. Every character is part of
  /// a match, so keeping only the matches and isolating them among the rest are the same.
  Result<void> check_pre_tokenizer() const {
    const Json& pre = member(root_, "pre_tokenizer");
    const Json& steps = member(pre, "pretokenizers");
    if (!is_string(member(pre, "type"), "Sequence") || !steps.is_array() || steps.size() != 2) {
      return fail("{}: 'pre_tokenizer' is {}, must be a Sequence of Split and ByteLevel", name_,
                  shown(pre));
    }
    const Json& split = steps[0];
    const Json& pattern = member(member(split, "pattern"), "Regex");
    if (!is_string(member(split, "type"), "Split") || !is_string(pattern, m2_split_pattern())) {
      return fail("{}: the first step of 'pre_tokenizer' is {}, must be a Split by M2's pattern",
                  name_, shown(split));
    }
    const Json& behavior = member(split, "behavior");
    const bool keeps_matches = is_string(behavior, "Removed") && is_true(member(split, "invert"));
    if (!keeps_matches && !is_string(behavior, "Isolated")) {
      return fail(
          "{}: the Split has behavior {} and invert {}, must be \"Removed\" with true, or "
          "\"Isolated\"",
          name_, shown(behavior), shown(member(split, "invert")));
    }
    const Json& bytes = steps[1];
    if (!is_string(member(bytes, "type"), "ByteLevel") ||
        !is_false(member(bytes, "add_prefix_space")) || !is_false(member(bytes, "use_regex"))) {
      return fail(
          "{}: the second step of 'pre_tokenizer' is {}, must be ByteLevel with add_prefix_space "
          "and use_regex false",
          name_, shown(bytes));
    }
    return {};
  }

  Result<void> set_token(const Json& id, const std::string& spelling, std::string bytes,
                         TokenKind kind) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMaxTokens) {
      return fail("{}: token {} has id {}, must be an integer under {}", name_, shown(spelling),
                  shown(id), kMaxTokens);
    }
    const auto place = id.get<std::size_t>();
    if (place >= vocabulary_.tokens.size()) {
      vocabulary_.tokens.resize(place + 1);
      vocabulary_.kinds.resize(place + 1, kNoToken);
    }
    const bool is_free = vocabulary_.kinds[place] == kNoToken;
    const bool is_repeated = kind != TokenKind::kNormal && vocabulary_.tokens[place] == bytes;
    if (!is_free && !is_repeated) {
      return fail("{}: token {} has id {}, which another token has", name_, shown(spelling), place);
    }
    vocabulary_.tokens[place] = std::move(bytes);
    vocabulary_.kinds[place] = kind;
    return {};
  }

  Result<void> read_tokens() {
    for (const Json& token : member(root_, "added_tokens")) {
      const Json& content = member(token, "content");
      if (content.is_string()) added_.insert(content.get<std::string>());
    }
    const Json& vocab = member(model_, "vocab");
    if (!vocab.is_object()) return fail("{}: 'model.vocab' must be an object", name_);
    for (const auto& [spelling, id] : vocab.items()) {
      std::string bytes;
      if (added_.contains(spelling)) {
        bytes = spelling;  // listed among the others, too, but not in their spelling
      } else if (!spelling_.decode(spelling, bytes)) {
        return fail("{}: token {} is no byte-level spelling", name_, shown(spelling));
      }
      JEVONS_TRY(set_token(id, spelling, std::move(bytes), TokenKind::kNormal));
    }
    return {};
  }

  Result<void> read_added_tokens() {
    const Json& added = member(root_, "added_tokens");
    if (added.is_null()) return {};
    if (!added.is_array()) return fail("{}: 'added_tokens' must be an array", name_);
    for (const Json& token : added) {
      const Json& content = member(token, "content");
      if (!content.is_string()) {
        return fail("{}: the added token {} has no text in 'content'", name_, shown(token));
      }
      const auto& text = content.get_ref<const std::string&>();
      for (const char* key : {"lstrip", "rstrip", "single_word"}) {
        if (!is_true(member(token, key))) continue;
        return fail("{}: the added token {} asks for {}, which is not supported", name_,
                    shown(content), key);
      }
      const bool is_shown = text == kThinkBegin || text == kThinkEnd ||
                            text == kToolCallBlockBegin || text == kToolCallBlockEnd;
      const bool is_control = is_true(member(token, "special")) && !is_shown;
      JEVONS_TRY(set_token(member(token, "id"), text, text,
                           is_control ? TokenKind::kControl : TokenKind::kUserDefined));
    }
    return {};
  }

  void fill_holes() {
    for (std::size_t id = 0; id < vocabulary_.tokens.size(); ++id) {
      if (vocabulary_.kinds[id] != kNoToken) continue;
      vocabulary_.kinds[id] = TokenKind::kUnused;
      vocabulary_.tokens[id] = fmt::format("[PAD{}]", id);
    }
  }

  Result<void> read_merges() {
    const Json& merges = member(model_, "merges");
    if (!merges.is_array()) return fail("{}: 'model.merges' must be an array", name_);
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const Json& merge = merges[rank];
      std::string left, right;
      if (merge.is_string()) {
        const auto& text = merge.get_ref<const std::string&>();
        const std::size_t space = std::min(text.find(' '), text.size());
        left = text.substr(0, space);
        right = text.substr(std::min(space + 1, text.size()));
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                 merge[1].is_string()) {
        left = merge[0].get<std::string>();
        right = merge[1].get<std::string>();
      }
      if (left.empty() || right.empty()) {
        return fail("{}: merge {} is {}, must be two tokens", name_, rank, shown(merge));
      }
      JEVONS_ASSIGN(const std::int32_t left_id, token_id(rank, left));
      JEVONS_ASSIGN(const std::int32_t right_id, token_id(rank, right));
      JEVONS_ASSIGN(const std::int32_t result_id, token_id(rank, left + right));
      vocabulary_.merges.push_back({left_id, right_id, result_id});
    }
    return {};
  }

  Result<std::int32_t> token_id(std::size_t rank, const std::string& spelling) const {
    const Json& vocab = member(model_, "vocab");
    const auto place = vocab.find(spelling);
    if (place == vocab.end()) {
      return fail("{}: merge {} needs the token {}, which 'model.vocab' lacks", name_, rank,
                  shown(spelling));
    }
    return place->get<std::int32_t>();
  }

  /// Files that take a piece as it is if it is a token give other ids than merging does, unless
  /// merging arrives at every token.
  Result<void> check_ignore_merges() const {
    if (!is_true(member(model_, "ignore_merges"))) return {};
    JEVONS_ASSIGN(const BytePairs byte_pairs, BytePairs::create(vocabulary_));
    for (std::size_t id = 0; id < vocabulary_.tokens.size(); ++id) {
      if (vocabulary_.kinds[id] != TokenKind::kNormal) continue;
      if (byte_pairs.whole_token(vocabulary_.tokens[id]) == static_cast<std::int32_t>(id)) continue;
      return fail(
          "{}: 'model.ignore_merges' is true and no merges lead to token {}, which is not "
          "supported",
          name_, id);
    }
    return {};
  }

  std::optional<std::int32_t> find_special(std::string_view text) const {
    for (std::size_t id = 0; id < vocabulary_.tokens.size(); ++id) {
      if (vocabulary_.kinds[id] == TokenKind::kControl && vocabulary_.tokens[id] == text) {
        return static_cast<std::int32_t>(id);
      }
    }
    return std::nullopt;
  }

  static constexpr TokenKind kNoToken{};

  const Json& root_;
  const Json& model_;
  const std::string& name_;
  const ByteSpelling spelling_;
  std::unordered_set<std::string> added_;  // texts of added tokens
  Vocabulary vocabulary_;
};

}  // namespace

Result<Vocabulary> read_tokenizer_json(const std::string& path) {
  JEVONS_ASSIGN(const std::string text, read_file(path, kMaxFileBytes));
  return parse_tokenizer_json(text, path);
}

Result<Vocabulary> parse_tokenizer_json(std::string_view text, const std::string& name) {
  try {
    const Json root = Json::parse(text);
    return VocabularyReader(root, name).read();
  } catch (const Json::exception& error) {
    return fail("{}: {}", name, error.what());
  }
}

}  // namespace jevons
