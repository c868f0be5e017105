#include "weights/gguf_vocabulary.h"

#include <limits>
#include <unordered_map>

#include "base/byte_spelling.h"

namespace jevons {
namespace {

using TokenIndex = std::unordered_map<std::string_view, std::int32_t>;

Result<std::vector<std::string_view>> read_strings(const GgufFile& file, const char* key) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return fail("{}: metadata key '{}' is missing", file.name(), key);
  auto strings = value->as_strings();
  if (!strings) {
    return fail("{}: metadata key '{}' is {}, must be an array of strings", file.name(), key,
                value->describe());
  }
  if (strings->size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return fail("{}: metadata key '{}' has {} elements, too many", file.name(), key,
                strings->size());
  }
  return std::move(*strings);
}

Result<std::vector<TokenKind>> read_kinds(const GgufFile& file, std::size_t n_tokens) {
  constexpr const char* kKey = "tokenizer.ggml.token_type";
  const GgufValue* value = file.find(kKey);
  if (value == nullptr) return std::vector<TokenKind>(n_tokens, TokenKind::kNormal);
  const auto numbers = value->as_integers();
  if (!numbers || numbers->size() != n_tokens) {
    return fail("{}: metadata key '{}' is {}, must be an array of {} integers", file.name(), kKey,
                value->describe(), n_tokens);
  }
  std::vector<TokenKind> kinds;
  kinds.reserve(n_tokens);
  for (std::size_t i = 0; i < n_tokens; ++i) {
    const std::int64_t number = (*numbers)[i];
    if (number < 1 || number > 6) {
      return fail("{}: token {} has type {}, must be 1 to 6", file.name(), i, number);
    }
    kinds.push_back(static_cast<TokenKind>(number));
  }
  return kinds;
}

/// "<0x0A>" -> the byte 0x0a.
std::optional<char> parse_byte_token(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = digit(text[3]);
  const int low = digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

Result<void> read_tokens(const GgufFile& file, const std::vector<std::string_view>& spellings,
                         Vocabulary& vocabulary) {
  const ByteSpelling spelling;
  vocabulary.tokens.resize(spellings.size());
  for (std::size_t i = 0; i < spellings.size(); ++i) {
    std::string& token = vocabulary.tokens[i];
    if (vocabulary.kinds[i] == TokenKind::kNormal) {
      if (!spelling.decode(spellings[i], token)) {
        return fail("{}: token {} is '{}', which is no byte-level spelling", file.name(), i,
                    printable(spellings[i]));
      }
    } else if (vocabulary.kinds[i] == TokenKind::kByte) {
      const auto byte = parse_byte_token(spellings[i]);
      if (!byte) {
        return fail("{}: byte token {} is '{}', must be like <0x0A>", file.name(), i,
                    printable(spellings[i]));
      }
      token.push_back(*byte);
    } else {
      token = spellings[i];
    }
  }
  return {};
}

/// Merges are written as two spellings with a space between; a space inside is spelled otherwise.
Result<void> read_merges(const GgufFile& file, const std::vector<std::string_view>& spellings,
                         Vocabulary& vocabulary) {
  JEVONS_ASSIGN(const auto merges, read_strings(file, "tokenizer.ggml.merges"));
  TokenIndex index;
  index.reserve(spellings.size());
  for (std::size_t i = 0; i < spellings.size(); ++i) {
    if (vocabulary.kinds[i] == TokenKind::kNormal) {
      index.try_emplace(spellings[i], static_cast<std::int32_t>(i));
    }
  }
  vocabulary.merges.reserve(merges.size());
  std::string whole;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges[i];
    const std::size_t space = merge.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == merge.size() ||
        merge.find(' ', space + 1) != std::string_view::npos) {
      return fail("{}: merge {} is '{}', must be two tokens with one space between", file.name(), i,
                  printable(merge));
    }
    whole.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const std::string_view parts[3] = {merge.substr(0, space), merge.substr(space + 1), whole};
    std::int32_t ids[3];
    for (int k = 0; k < 3; ++k) {
      const auto place = index.find(parts[k]);
      if (place == index.end()) {
        return fail("{}: merge {} is '{}', but '{}' is not a token", file.name(), i,
                    printable(merge), printable(parts[k]));
      }
      ids[k] = place->second;
    }
    vocabulary.merges.push_back({ids[0], ids[1], ids[2]});
  }
  return {};
}

Result<std::optional<std::int32_t>> read_token_id(const GgufFile& file, const char* key,
                                                  std::size_t n_tokens) {
  if (file.find(key) == nullptr) return std::optional<std::int32_t>();
  JEVONS_ASSIGN(const std::uint32_t id, file.get_u32(key));
  if (id >= n_tokens) {
    return fail("{}: metadata key '{}' is {}, but there are {} tokens", file.name(), key, id,
                n_tokens);
  }
  return std::optional<std::int32_t>(static_cast<std::int32_t>(id));
}

Result<void> read_sampling(const GgufFile& file, Vocabulary::SamplingDefaults& sampling) {
  if (file.find("general.sampling.temp") != nullptr) {
    JEVONS_ASSIGN(sampling.temperature, file.get_f32("general.sampling.temp"));
  }
  if (file.find("general.sampling.top_p") != nullptr) {
    JEVONS_ASSIGN(sampling.top_p, file.get_f32("general.sampling.top_p"));
  }
  if (file.find("general.sampling.top_k") != nullptr) {
    JEVONS_ASSIGN(const std::uint32_t top_k, file.get_u32("general.sampling.top_k"));
    if (top_k > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
      return fail("{}: general.sampling.top_k is {}, too large", file.name(), top_k);
    }
    sampling.top_k = static_cast<std::int32_t>(top_k);
  }
  return {};
}

}  // namespace

Result<Vocabulary> read_gguf_vocabulary(const GgufFile& file) {
  JEVONS_ASSIGN(const auto model, file.get_string("tokenizer.ggml.model"));
  if (model != "gpt2") {
    return fail("{}: tokenizer.ggml.model is '{}', must be 'gpt2' (byte-level BPE)", file.name(),
                printable(model));
  }
  Vocabulary vocabulary;
  JEVONS_ASSIGN(const auto pre_tokenizer, file.get_string("tokenizer.ggml.pre", "default"));
  vocabulary.pre_tokenizer = pre_tokenizer;
  JEVONS_ASSIGN(const auto spellings, read_strings(file, "tokenizer.ggml.tokens"));
  const std::size_t n_tokens = spellings.size();
  JEVONS_ASSIGN(vocabulary.kinds, read_kinds(file, n_tokens));
  JEVONS_TRY(read_tokens(file, spellings, vocabulary));
  JEVONS_TRY(read_merges(file, spellings, vocabulary));
  JEVONS_ASSIGN(vocabulary.bos_id, read_token_id(file, "tokenizer.ggml.bos_token_id", n_tokens));
  JEVONS_ASSIGN(vocabulary.eos_id, read_token_id(file, "tokenizer.ggml.eos_token_id", n_tokens));
  JEVONS_ASSIGN(vocabulary.unknown_id,
                read_token_id(file, "tokenizer.ggml.unknown_token_id", n_tokens));
  JEVONS_ASSIGN(vocabulary.padding_id,
                read_token_id(file, "tokenizer.ggml.padding_token_id", n_tokens));
  JEVONS_ASSIGN(vocabulary.add_bos, file.get_bool("tokenizer.ggml.add_bos_token", false));
  JEVONS_ASSIGN(const auto chat_template, file.get_string("tokenizer.chat_template", ""));
  vocabulary.chat_template = chat_template;
  JEVONS_TRY(read_sampling(file, vocabulary.sampling));
  return vocabulary;
}

}  // namespace jevons
