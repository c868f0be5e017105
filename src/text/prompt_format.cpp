#include "text/prompt_format.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "text/m2_markers.h"

namespace jevons {
namespace {

/// Fixed text that each template of the family must write somewhere, in pieces small enough that
/// every way of gluing literals together contains them whole.
constexpr std::array<std::string_view, 23> kM2Pieces = {kBeginOfText,
                                                        "]~b]system",
                                                        "]~b]user",
                                                        "]~b]ai",
                                                        "]~b]tool",
                                                        kEndOfTurn,
                                                        kThinkBegin,
                                                        kThinkEnd,
                                                        "# Tools",
                                                        "<tools>",
                                                        "<tool>",
                                                        "</tool>",
                                                        "</tools>",
                                                        kToolCallBlockBegin,
                                                        kToolCallBlockEnd,
                                                        "<invoke name=\"",
                                                        kInvokeEnd,
                                                        "<parameter name=\"",
                                                        kParameterEnd,
                                                        "<response>",
                                                        "</response>",
                                                        "Current date: ",
                                                        "Current location: "};

/// Beginnings of control tokens that other families write and M2 never does.
constexpr std::array<std::string_view, 8> kForeignPieces = {
    "]<]", "<mm:think>", "<|", "[INST]", "<start_of_turn>", "<\xEF\xBD\x9C", "[gMASK]", "<seed:"};

/// Without {# comments #} and with the escapes of string literals resolved.
std::string plain_source(std::string_view source) {
  std::string plain;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source.substr(i, 2) == "{#") {
      const std::size_t end = source.find("#}", i + 2);
      if (end == std::string_view::npos) break;
      i = end + 1;
      continue;
    }
    const bool is_escape = source[i] == '\\' && i + 1 < source.size();
    if (!is_escape) {
      plain += source[i];
      continue;
    }
    ++i;
    plain += source[i] == 'n' ? '\n' : source[i] == 't' ? '\t' : source[i];
  }
  return plain;
}

/// The string literal that `source` begins with, after spaces.
std::optional<std::string> leading_literal(std::string_view source) {
  while (source.starts_with(' ')) source.remove_prefix(1);
  if (!source.starts_with('"') && !source.starts_with('\'')) return std::nullopt;
  const char quote = source.front();
  for (std::size_t i = 1; i < source.size(); ++i) {
    if (source[i] == '\\') {
      ++i;
    } else if (source[i] == quote) {
      return plain_source(source.substr(1, i - 1));
    }
  }
  return std::nullopt;
}

/// The literal of the first `model_identity = "..."`.
std::optional<std::string> identity_in_template(std::string_view source) {
  constexpr std::string_view kName = "model_identity";
  for (std::size_t at = source.find(kName); at != std::string_view::npos;
       at = source.find(kName, at + 1)) {
    std::string_view rest = source.substr(at + kName.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    if (!rest.starts_with('=')) continue;
    if (auto literal = leading_literal(rest.substr(1))) return literal;
  }
  return std::nullopt;
}

std::optional<std::string> identity_by_name(std::string_view model_name) {
  std::string letters;  // lower case letters, digits and dots
  for (const char c : model_name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.') {
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  for (const std::string_view release : {"2.1", "2.5", "2.7"}) {
    if (letters.find(fmt::format("minimaxm{}", release)) != std::string::npos) {
      return fmt::format(
          "You are a helpful assistant. Your name is MiniMax-M{} and is built by MiniMax.",
          release);
    }
  }
  return std::nullopt;  // the first M2 has the neutral one
}

}  // namespace

PromptFormat prompt_format_for(std::string_view chat_template, std::string_view model_name) {
  PromptFormat format;
  if (auto identity = identity_in_template(chat_template)) {
    format.default_identity = *std::move(identity);
  } else if (auto known = identity_by_name(model_name)) {
    format.default_identity = *std::move(known);
  }
  if (chat_template.empty()) return format;

  const std::string plain = plain_source(chat_template);
  for (const std::string_view piece : kM2Pieces) {
    if (plain.find(piece) == std::string::npos) {
      format.template_differences.push_back(fmt::format("it never writes \"{}\"", piece));
    }
  }
  for (const std::string_view piece : kForeignPieces) {
    if (plain.find(piece) != std::string::npos) {
      format.template_differences.push_back(
          fmt::format("it writes \"{}\", which is not of the M2 format", piece));
    }
  }
  format.template_match =
      format.template_differences.empty() ? TemplateMatch::kM2 : TemplateMatch::kOther;
  if (plain.find("enable_thinking") != std::string::npos) {
    format.template_differences.emplace_back("it has a switch \"enable_thinking\"");
  }
  return format;
}

}  // namespace jevons
