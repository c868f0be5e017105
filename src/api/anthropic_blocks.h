// The events of an answer as content blocks of the Anthropic dialect: thinking, text and tool_use,
// each ended before the next begins. Plain objects, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/output_parser.h"

namespace jevons {

struct ContentBlock {
  enum class Kind : std::uint8_t { kThinking, kText, kToolUse };
  Kind kind = Kind::kText;
  std::string text{};        // thinking, text, or the JSON of the input
  std::string id{}, name{};  // tool_use
  std::string signature{};   // thinking
};

/// What is done with the blocks of an answer, in their order.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  virtual void begin(const ContentBlock& block) = 0;  // still without text
  virtual void add(ContentBlock::Kind kind, std::string_view text) = 0;
  virtual void sign(std::string_view signature) = 0;  // thinking, before its end
  virtual void end() = 0;
};

/// Prints a stream's events.
class StreamedBlocks final : public BlockSink {
 public:
  void begin(const ContentBlock& block) override;
  void add(ContentBlock::Kind kind, std::string_view text) override;
  void sign(std::string_view signature) override;
  void end() override;

  /// What was printed since the last call.
  [[nodiscard]] std::string take();

 private:
  void delta(std::string_view type, std::string_view key, std::string_view value);

  std::string out_;
  int index_ = 0;
};

/// Keeps the blocks of an answer that is sent as a whole.
class KeptBlocks final : public BlockSink {
 public:
  void begin(const ContentBlock& block) override;
  void add(ContentBlock::Kind kind, std::string_view text) override;
  void sign(std::string_view signature) override;
  void end() override;

  /// A list, as `content` of a message.
  [[nodiscard]] std::string json() const;

 private:
  std::vector<ContentBlock> blocks_;
};

/// Cuts the events of one answer into blocks.
class BlockCutter {
 public:
  /// `sink` must outlive this. `id`: of the answer. Thinking that is not shown is sent as an empty
  /// block whose signature carries it (api/thinking_signature.h).
  BlockCutter(BlockSink& sink, std::string id, bool shows_thinking);

  void take(const OutputEvent& event);
  /// Ends what is open.
  void end();
  /// Whether the answer ended inside a call: better not run it.
  [[nodiscard]] bool call_was_cut() const { return call_was_cut_; }

 private:
  void begin(const ContentBlock& block);
  void think(std::string_view text);
  void say(std::string_view text);

  BlockSink& sink_;
  std::string id_;
  bool shows_thinking_;
  std::optional<ContentBlock::Kind> open_;
  std::string held_space_;
  std::string kept_thinking_;
  bool call_was_cut_ = false;
};

/// "event: NAME\ndata: DATA\n\n"
[[nodiscard]] std::string sse_event(std::string_view name, std::string_view data);

}  // namespace jevons
