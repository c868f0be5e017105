// One response of a model on its way: what the engine says becomes events, events become the bytes
// of a dialect.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/dialect.h"
#include "api/engine_mailbox.h"
#include "api/generation_plan.h"
#include "api/http_handler.h"
#include "api/request_record.h"
#include "engine/engine.h"
#include "meter/bookkeeper.h"
#include "text/output_parser.h"

namespace jevons {

struct GenerationStreamParts {
  std::shared_ptr<Engine> engine;
  GenerationPlan plan;  // its completions are with the engine
  Caller caller;
  const Dialect* dialect;
  std::unique_ptr<ResponseWriter> writer;
  std::shared_ptr<RequestRecord> record;
  std::shared_ptr<EngineMailbox> mailbox;
  bool keeps_text = false;              // in the record, for the log
  std::shared_ptr<Bookkeeper> books{};  // may be null
};

/// Status and headers of a response that a model writes. `thinking`: as thinking_of().
[[nodiscard]] HttpResponse generation_head(bool is_streamed, const std::string& thinking);

class GenerationStream final : public ResponseStream {
 public:
  explicit GenerationStream(GenerationStreamParts parts);
  ~GenerationStream() override;
  GenerationStream(const GenerationStream&) = delete;
  GenerationStream& operator=(const GenerationStream&) = delete;

  /// The engine's number for the next choice; in order, before the stream is used.
  void add(CompletionId id, bool starts_in_reasoning);

  [[nodiscard]] bool is_streamed() const override { return parts_.plan.is_streamed; }
  [[nodiscard]] HttpResponse head() const override;
  [[nodiscard]] std::string take() override;
  [[nodiscard]] bool is_over() const override { return is_over_; }
  [[nodiscard]] std::string ping() override { return parts_.writer->ping(); }
  [[nodiscard]] HttpResponse whole(std::string body) override;
  void abandon() override;

 private:
  struct Choice {
    CompletionId id = 0;
    std::optional<OutputParser> parser;  // of a chat
    Message answer;
    std::vector<ChoiceOutput::Token> tokens;  // whose text the parser holds back
    std::optional<CacheReport> cache;
    std::optional<CompletionResult> result;
    std::optional<std::chrono::steady_clock::time_point> last_token_at;
    bool has_output = false, has_ended = false;
  };

  [[nodiscard]] std::string on_note(const EngineNote& note);
  [[nodiscard]] std::string on_start(int index, const CacheReport& report);
  [[nodiscard]] std::string on_progress(int index, const PromptProgress& progress);
  [[nodiscard]] std::string on_chunk(int index, const CompletionChunk& chunk,
                                     std::chrono::steady_clock::time_point at);
  [[nodiscard]] std::string on_end(int index, const Result<CompletionResult>& result);
  [[nodiscard]] std::string write_events(int index, std::vector<OutputEvent> events);
  [[nodiscard]] std::string end_choice(int index, const CompletionResult& result);
  [[nodiscard]] std::string on_energy(const std::optional<EnergyUse>& energy);
  [[nodiscard]] std::string finish();
  [[nodiscard]] std::string fail(ApiError error);
  [[nodiscard]] std::string ensure_started(const CacheReport& report);
  void add_tokens(Choice& choice, const CompletionChunk& chunk) const;
  void note_times(Choice& choice, std::size_t n_tokens, std::chrono::steady_clock::time_point at);
  void note_phases(double queue_ms, double prompt_ms, double generation_ms);
  void note_left();
  void cancel_all();

  [[nodiscard]] const GenerationPlan::Prompt& prompt_of(int index) const;
  [[nodiscard]] Usage usage_of(int index) const;
  [[nodiscard]] Usage total_usage() const;
  [[nodiscard]] GenerationReport report() const;

  GenerationStreamParts parts_;
  std::vector<Choice> choices_;
  std::vector<std::string> warnings_;
  std::optional<std::chrono::steady_clock::time_point> prompt_began_;
  bool has_started_ = false, is_over_ = false, is_abandoned_ = false;
  std::optional<ApiError> failure_;
};

}  // namespace jevons
