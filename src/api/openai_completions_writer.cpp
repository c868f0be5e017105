#include "api/openai_completions_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/openai_errors.h"
#include "api/openai_response.h"
#include "base/utf8.h"
#include "text/json_value.h"

namespace jevons {
namespace {

using Tokens = std::vector<ChoiceOutput::Token>;

std::size_t n_prompts(const GenerationRequest& request) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&request.input)) {
    return texts->size();
  }
  return std::get<std::vector<std::vector<std::int32_t>>>(request.input).size();
}

/// Characters, which is what text_offset counts.
std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// A token as a key of the older log probabilities, which have no bytes beside.
std::string token_name(std::string_view bytes) {
  if (utf8_is_valid(bytes)) return std::string(bytes);
  std::string name = "bytes:";
  for (const char byte : bytes) {
    name += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  return name;
}

/// The lists of "logprobs", filled token by token.
class LegacyLogprobs {
 public:
  /// `offset`: in characters, of the first token.
  explicit LegacyLogprobs(std::size_t offset = 0) : offset_(offset) {}

  void add(const Tokens& tokens) {
    for (const ChoiceOutput::Token& token : tokens) add(token);
  }

  [[nodiscard]] std::string json() const {
    if (tokens_.empty()) return "null";
    return fmt::format(
        R"({{"tokens":[{}],"token_logprobs":[{}],"top_logprobs":[{}],"text_offset":[{}]}})",
        tokens_, logprobs_, tops_, offsets_);
  }

  [[nodiscard]] std::size_t offset() const { return offset_; }

 private:
  void add(const ChoiceOutput::Token& token) {
    const std::string_view comma = tokens_.empty() ? "" : ",";
    tokens_ += fmt::format("{}{}", comma, json_string(token_name(token.bytes)));
    logprobs_ += fmt::format("{}{}", comma, logprob_json(token.logprob));
    offsets_ += fmt::format("{}{}", comma, offset_);
    offset_ += count_characters(token.bytes);
    std::string top;
    for (const auto& [bytes, logprob] : token.alternatives) {
      top += fmt::format("{}{}:{}", top.empty() ? "" : ",", json_string(token_name(bytes)),
                         logprob_json(logprob));
    }
    tops_ += fmt::format("{}{{{}}}", comma, top);
  }

  std::size_t offset_;
  std::string tokens_, logprobs_, tops_, offsets_;
};

/// What both kinds of writer know of a request.
class CompletionTerms {
 public:
  CompletionTerms(const GenerationRequest& request, const ResponseContext& context)
      : head(openai_response_head("cmpl-", "text_completion", request, context)),
        n_choices(static_cast<std::size_t>(request.n) * n_prompts(request)),
        wishes(openai_wishes(request)),
        n_per_prompt_(static_cast<std::size_t>(request.n)) {
    if (!request.echo) return;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&request.input)) echoed_ = *texts;
    echoes_ids_ = echoed_.empty();
  }

  void start(const Started& started) {
    if (echoes_ids_) echoed_ = {started.prompt_text};
  }

  /// What stands before the answer; empty without echo.
  [[nodiscard]] std::string_view echoed(std::size_t choice) const {
    return echoed_.empty() ? std::string_view() : echoed_.at(choice / n_per_prompt_);
  }

  std::string head;
  std::size_t n_choices;
  OpenAiWishes wishes;

 private:
  std::size_t n_per_prompt_;
  std::vector<std::string> echoed_;  // of each prompt; utf8_sanitize() of its bytes is shown
  bool echoes_ids_ = false;
};

std::string_view text_of(const ChoiceOutput& output) {
  const auto* const text = std::get_if<TextDelta>(&output.event);
  return text != nullptr ? std::string_view(text->text) : std::string_view();
}

std::string choice_json(std::size_t index, std::string_view text, std::string_view logprobs,
                        std::string_view finish_reason) {
  return fmt::format(R"({{"index":{},"text":{},"logprobs":{},"finish_reason":{}}})", index,
                     json_string(text), logprobs,
                     finish_reason.empty() ? "null" : fmt::format("\"{}\"", finish_reason));
}

class CompletionStream final : public ResponseWriter {
 public:
  CompletionStream(const GenerationRequest& request, const ResponseContext& context)
      : terms_(request, context), offsets_(terms_.n_choices, 0) {}

  std::string start(const Started& started) override {
    terms_.start(started);
    std::string bytes;
    for (std::size_t i = 0; i < terms_.n_choices; ++i) {
      const std::string text = utf8_sanitize(terms_.echoed(i));
      offsets_[i] = count_characters(text);
      if (!text.empty()) bytes += chunk(choice_json(i, text, "null", ""));
    }
    return bytes;
  }

  std::string progress(const Progress& progress) override {
    return openai_event(openai_progress_json(terms_.head, progress));
  }

  std::string output(const ChoiceOutput& output) override {
    const std::string_view text = text_of(output);
    if (text.empty() && output.tokens.empty()) return {};
    const auto index = static_cast<std::size_t>(output.choice);
    LegacyLogprobs logprobs(offsets_.at(index));
    logprobs.add(output.tokens);
    offsets_.at(index) = logprobs.offset();
    return chunk(choice_json(index, text, logprobs.json(), ""));
  }

  std::string end_choice(const ChoiceEnd& end) override {
    return chunk(choice_json(static_cast<std::size_t>(end.choice), "", "null",
                             openai_finish_reason(end, false)));
  }

  std::string finish(const Finished& finished) override {
    std::string bytes;
    if (terms_.wishes.include_usage) {
      bytes = openai_event(
          fmt::format(R"({},"choices":[],"usage":{}}})", terms_.head, openai_usage_json(finished)));
    }
    bytes += kOpenAiDone;
    return bytes;
  }

  std::string fail(const ApiError& error) override {
    return fmt::format("{}{}", openai_event(openai_error_body(error)), kOpenAiDone);
  }

  std::string ping() override { return ": ping\n\n"; }

 private:
  [[nodiscard]] std::string chunk(std::string_view choice) const {
    return openai_event(fmt::format(R"({},"choices":[{}]{}}})", terms_.head, choice,
                                    terms_.wishes.include_usage ? R"(,"usage":null)" : ""));
  }

  CompletionTerms terms_;
  std::vector<std::size_t> offsets_;  // of each choice's next token
};

class CompletionBody final : public ResponseWriter {
 public:
  CompletionBody(const GenerationRequest& request, const ResponseContext& context)
      : terms_(request, context), choices_(terms_.n_choices) {}

  std::string start(const Started& started) override {
    terms_.start(started);
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      choices_[i].text = utf8_sanitize(terms_.echoed(i));
      choices_[i].logprobs = LegacyLogprobs(count_characters(choices_[i].text));
    }
    return {};
  }

  std::string progress(const Progress&) override { return {}; }

  std::string output(const ChoiceOutput& output) override {
    Choice& choice = choices_.at(static_cast<std::size_t>(output.choice));
    choice.text += text_of(output);
    choice.logprobs.add(output.tokens);
    return {};
  }

  std::string end_choice(const ChoiceEnd& end) override {
    choices_.at(static_cast<std::size_t>(end.choice)).finish_reason =
        openai_finish_reason(end, false);
    return {};
  }

  std::string finish(const Finished& finished) override {
    std::string choices;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const Choice& choice = choices_[i];
      choices +=
          fmt::format("{}{}", i > 0 ? "," : "",
                      choice_json(i, choice.text, choice.logprobs.json(), choice.finish_reason));
    }
    return fmt::format(R"({},"choices":[{}],"usage":{}}})", terms_.head, choices,
                       openai_usage_json(finished));
  }

  std::string fail(const ApiError& error) override { return openai_error_body(error); }
  std::string ping() override { return std::string(1, ' '); }

 private:
  struct Choice {
    std::string text;
    LegacyLogprobs logprobs;
    std::string_view finish_reason = "stop";
  };

  CompletionTerms terms_;
  std::vector<Choice> choices_;
};

}  // namespace

std::unique_ptr<ResponseWriter> openai_completions_stream(const GenerationRequest& request,
                                                          const ResponseContext& context) {
  return std::make_unique<CompletionStream>(request, context);
}

std::unique_ptr<ResponseWriter> openai_completions_body(const GenerationRequest& request,
                                                        const ResponseContext& context) {
  return std::make_unique<CompletionBody>(request, context);
}

}  // namespace jevons
