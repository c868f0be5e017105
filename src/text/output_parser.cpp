#include "text/output_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "text/call_builder.h"
#include "text/m2_markers.h"
#include "text/output_tags.h"
#include "text/tool_schema.h"

namespace jevons {

/// Text waits in pending_ until it is certain what it is. step() looks at its beginning and takes
/// something off it or changes the state; false means that it needs more text.
class OutputParser::Machine {
 public:
  Machine(std::span<const ToolDefinition> tools, OutputParserOptions options)
      : parse_tool_calls_(options.parse_tool_calls),
        starts_in_reasoning_(options.starts_in_reasoning),
        call_(events_, std::move(options.call_id_prefix), options.call_id_seed) {
    for (const ToolDefinition& tool : tools) schemas_.emplace(tool.name, tool.parameters);
  }

  std::vector<OutputEvent> push(std::string_view text) {
    JEVONS_CHECK(!at_end_);
    undecoded_ += text;
    const std::size_t n_complete = utf8_complete_prefix(undecoded_);
    pending_ += utf8_sanitize(std::string_view(undecoded_).substr(0, n_complete));
    undecoded_.erase(0, n_complete);
    run();
    return events_.take();
  }

  std::vector<OutputEvent> finish() {
    JEVONS_CHECK(!at_end_);
    pending_ += utf8_sanitize(undecoded_);
    at_end_ = true;
    run();
    close_what_is_open();
    return events_.take();
  }

 private:
  enum class State {
    kStart,            // nothing seen yet: <think> may come
    kAfterThinkBegin,  // one newline belongs to the tag
    kReasoning,        //
    kAfterThinkEnd,    // up to two newlines belong to the tag
    kText,             //
    kBlock,            // inside <minimax:tool_call>, after it or a call
    kBlockGarbage,     // there, after something that is no tag
    kCall,             // inside <invoke>, after it or a parameter
    kCallGarbage,      // there, after something that is no tag
    kValue,            // inside <parameter>
    kAfterBlock,       // after </minimax:tool_call>
  };

  void run() {
    while (step()) {
    }
    pending_.erase(0, std::exchange(at_, 0));
  }

  bool step() {
    switch (state_) {
      case State::kStart:
        return step_start();
      case State::kAfterThinkBegin:
      case State::kAfterThinkEnd:
        return step_newlines();
      case State::kReasoning:
      case State::kText:
        return step_prose();
      case State::kBlock:
      case State::kBlockGarbage:
        return step_block();
      case State::kCall:
      case State::kCallGarbage:
        return step_call();
      case State::kValue:
        return step_value();
      case State::kAfterBlock:
        return step_after_block();
    }
    return false;
  }

  bool step_start() {
    const std::size_t gap = leading_space(rest());
    const Match think = gap > kMaxGapBytes
                            ? Match::kNo
                            : match_literal(rest().substr(gap), kThinkBegin, at_end_).match;
    if (think == Match::kNeedMore) return false;
    if (think == Match::kYes) {
      at_ += gap + kThinkBegin.size();
      newlines_left_ = 1;
      state_ = State::kAfterThinkBegin;
    } else {
      state_ = starts_in_reasoning_ ? State::kReasoning : State::kText;
    }
    return true;
  }

  bool step_newlines() {
    if (newlines_left_ > 0 && rest().empty()) return false;
    if (newlines_left_ > 0 && rest().front() == '\n') {
      ++at_;
      --newlines_left_;
      return true;
    }
    state_ = state_ == State::kAfterThinkBegin ? State::kReasoning : State::kText;
    return true;
  }

  /// Reasoning or text: up to the next marker, and the newline before it.
  bool step_prose() {
    const bool in_reasoning = state_ == State::kReasoning;
    if (rest().empty()) return false;
    const std::size_t n_plain = std::min(rest().find_first_of("\n<"), rest().size());
    if (n_plain > 0) return deliver_prose(n_plain);

    const std::size_t n_newline = rest().front() == '\n' ? 1 : 0;
    const std::string_view marker = rest().substr(n_newline);
    const Match think_end =
        in_reasoning ? match_literal(marker, kThinkEnd, at_end_).match : Match::kNo;
    const Match block = parse_tool_calls_ ? match_block_begin(marker, at_end_).match : Match::kNo;
    if (think_end == Match::kYes) {
      at_ += n_newline + kThinkEnd.size();
      newlines_left_ = 2;
      state_ = State::kAfterThinkEnd;
      return true;
    }
    if (block == Match::kYes) {
      at_ += n_newline + kToolCallBlockBegin.size();
      enter_block(in_reasoning);
      return true;
    }
    if (think_end == Match::kNeedMore || block == Match::kNeedMore) return false;
    if (parse_tool_calls_ && rest().starts_with(kToolCallBlockBegin)) {
      events_.warning("<minimax:tool_call> is not followed by a call; taken as text");
    }
    return deliver_prose(1);
  }

  bool deliver_prose(std::size_t n_bytes) {
    const std::string_view prose = take(n_bytes);
    state_ == State::kReasoning ? events_.reasoning(prose) : events_.text(prose);
    return true;
  }

  void enter_block(bool interrupts_reasoning) {
    interrupts_reasoning_ = interrupts_reasoning;
    warned_in_block_ = false;
    state_ = State::kBlock;
  }

  bool step_block() {
    if (rest().empty()) return false;
    // After a tag whitespace is the format's; after garbage it is part of the garbage.
    const std::size_t gap = state_ == State::kBlock ? leading_space(rest()) : 0;
    const std::string_view tag = rest().substr(gap);
    const TagMatch invoke = match_named_tag(tag, kInvokeBegin, at_end_);
    const TagMatch block_end = match_literal(tag, kToolCallBlockEnd, at_end_);
    if (gap <= kMaxGapBytes) {
      if (invoke.match == Match::kYes) {
        begin_call(invoke, gap);
        return true;
      }
      if (block_end.match == Match::kYes) {
        at_ += gap + block_end.length;
        state_ = State::kAfterBlock;
        return true;
      }
      if (invoke.match == Match::kNeedMore || block_end.match == Match::kNeedMore) return false;
      if (at_end_ && tag.empty()) {
        at_ += gap;
        return false;
      }
    }
    if (!warned_in_block_) {
      events_.warning("text between tool calls; delivered as text");
      warned_in_block_ = true;
    }
    state_ = State::kBlockGarbage;
    events_.text(take(garbage_bytes(gap)));
    return true;
  }

  bool step_call() {
    if (rest().empty()) return false;
    const std::size_t gap = state_ == State::kCall ? leading_space(rest()) : 0;
    const std::string_view tag = rest().substr(gap);
    const TagMatch parameter = match_named_tag(tag, kParameterBegin, at_end_);
    const TagMatch invoke_end = match_literal(tag, kInvokeEnd, at_end_);
    const TagMatch invoke = match_named_tag(tag, kInvokeBegin, at_end_);
    const TagMatch block_end = match_literal(tag, kToolCallBlockEnd, at_end_);
    if (gap <= kMaxGapBytes) {
      if (parameter.match == Match::kYes) {
        begin_parameter(parameter, gap);
        return true;
      }
      if (invoke_end.match == Match::kYes) {
        at_ += gap + invoke_end.length;
        call_.end_call(true);
        state_ = State::kBlock;
        return true;
      }
      if (invoke.match == Match::kYes || block_end.match == Match::kYes) {
        events_.warning("a tool call was not closed with </invoke>");
        call_.end_call(true);
        state_ = State::kBlock;  // which reads the tag again
        return true;
      }
      for (const TagMatch& match : {parameter, invoke_end, invoke, block_end}) {
        if (match.match == Match::kNeedMore) return false;
      }
      if (at_end_ && tag.empty()) {
        at_ += gap;
        return false;
      }
    }
    state_ = State::kCallGarbage;
    call_.stray(take(garbage_bytes(gap)));
    return true;
  }

  /// What is certainly no tag: whitespace if it is too long, else it and all up to the next `<`.
  std::size_t garbage_bytes(std::size_t gap) const {
    if (gap > kMaxGapBytes) return gap;
    return std::min(rest().find('<', gap + 1), rest().size());
  }

  bool step_value() {
    if (rest().empty()) return false;
    const std::size_t n_plain = std::min(rest().find('<'), rest().size());
    if (n_plain > 0) {
      call_.value(take(n_plain));
      return true;
    }
    const Match end = match_value_end();
    if (end == Match::kNeedMore) return false;
    if (end == Match::kNo) {
      call_.value(take(1));
      return true;
    }
    call_.end_parameter(take(kParameterEnd.size()));
    state_ = State::kCall;
    return true;
  }

  /// Whether </parameter> stands here and closes the value. At the end of the output, what could
  /// still have become a closing sequence is one.
  Match match_value_end() const {
    const Match tag = match_literal(rest(), kParameterEnd, at_end_).match;
    if (tag != Match::kYes) return tag;
    const std::string_view after = rest().substr(kParameterEnd.size());
    const std::size_t gap = leading_space(after);
    if (gap > kMaxGapBytes) return Match::kNo;
    const std::string_view next = after.substr(gap);
    const TagMatch parameter = match_named_tag(next, kParameterBegin, false);
    if (parameter.match == Match::kYes) {
      return schema().admits(parameter.name) ? Match::kYes : Match::kNo;
    }
    const Match invoke_end = match_literal(next, kInvokeEnd, false).match;
    if (invoke_end == Match::kYes) return Match::kYes;
    if (parameter.match == Match::kNeedMore || invoke_end == Match::kNeedMore ||
        ends_after_block(next)) {
      return at_end_ ? Match::kYes : Match::kNeedMore;
    }
    return Match::kNo;
  }

  /// `text` is </minimax:tool_call> or a beginning of it, whitespace, and nothing else so far.
  static bool ends_after_block(std::string_view text) {
    const TagMatch block_end = match_literal(text, kToolCallBlockEnd, false);
    if (block_end.match != Match::kYes) return block_end.match == Match::kNeedMore;
    const std::size_t n_after = text.size() - block_end.length;
    return n_after <= kMaxGapBytes && leading_space(text.substr(block_end.length)) == n_after;
  }

  bool step_after_block() {
    const std::size_t gap = leading_space(rest());
    const std::string_view next = rest().substr(gap);
    if (gap <= kMaxGapBytes) {
      if (at_end_ && next.empty()) {
        at_ += gap;
        return false;
      }
      const Match block = match_block_begin(next, at_end_).match;
      const Match think_end =
          interrupts_reasoning_ ? match_literal(next, kThinkEnd, at_end_).match : Match::kNo;
      if (block == Match::kYes) {
        at_ += gap + kToolCallBlockBegin.size();
        enter_block(interrupts_reasoning_);
        return true;
      }
      if (think_end == Match::kYes) {
        at_ += gap + kThinkEnd.size();
        newlines_left_ = 2;
        state_ = State::kAfterThinkEnd;
        return true;
      }
      if (block == Match::kNeedMore || think_end == Match::kNeedMore) return false;
    }
    state_ = State::kText;
    return true;
  }

  void begin_call(const TagMatch& invoke, std::size_t gap) {
    const auto known = schemas_.find(std::string(invoke.name));
    schema_ = known == schemas_.end() ? nullptr : &known->second;
    call_.begin_call(invoke.name);
    if (schema_ == nullptr) {
      events_.warning(fmt::format("tool \"{}\" was not offered", invoke.name));
    }
    at_ += gap + invoke.length;
    state_ = State::kCall;
  }

  void begin_parameter(const TagMatch& parameter, std::size_t gap) {
    if (!schema().declares(parameter.name)) {
      events_.warning(fmt::format("parameter \"{}\" is not in the tool's schema", parameter.name));
    }
    call_.begin_parameter(parameter.name, schema().type_of(parameter.name),
                          rest().substr(gap, parameter.length));
    at_ += gap + parameter.length;
    state_ = State::kValue;
  }

  void close_what_is_open() {
    if (state_ == State::kValue) call_.end_parameter("");
    if (state_ == State::kValue || state_ == State::kCall || state_ == State::kCallGarbage) {
      events_.warning("the output ended inside a tool call");
      call_.end_call(false);
    } else if (state_ == State::kBlock || state_ == State::kBlockGarbage) {
      events_.warning("the output ended before </minimax:tool_call>");
    }
  }

  const ToolSchema& schema() const {
    static const ToolSchema kNothingKnown;
    return schema_ != nullptr ? *schema_ : kNothingKnown;
  }

  std::string_view rest() const { return std::string_view(pending_).substr(at_); }

  std::string_view take(std::size_t n_bytes) {
    const std::string_view taken = rest().substr(0, n_bytes);
    at_ += n_bytes;
    return taken;
  }

  bool parse_tool_calls_;
  bool starts_in_reasoning_;
  std::unordered_map<std::string, ToolSchema> schemas_;  // tool name -> its schema
  EventList events_;
  CallBuilder call_;
  State state_ = State::kStart;
  int newlines_left_ = 0;
  bool interrupts_reasoning_ = false;  // the latest block came inside reasoning
  bool warned_in_block_ = false;
  const ToolSchema* schema_ = nullptr;  // of the open call; null if the tool is unknown
  std::string undecoded_;               // beginning of a character
  std::string pending_;
  std::size_t at_ = 0;  // first byte of pending_ that is not consumed
  bool at_end_ = false;
};

OutputParser::OutputParser(std::span<const ToolDefinition> tools, OutputParserOptions options)
    : machine_(std::make_unique<Machine>(tools, std::move(options))) {}
OutputParser::~OutputParser() = default;
OutputParser::OutputParser(OutputParser&&) noexcept = default;
OutputParser& OutputParser::operator=(OutputParser&&) noexcept = default;

std::vector<OutputEvent> OutputParser::push(std::string_view text) { return machine_->push(text); }
std::vector<OutputEvent> OutputParser::finish() { return machine_->finish(); }

bool prompt_ends_in_reasoning(std::string_view prompt) {
  while (!prompt.empty() && is_space(prompt.back())) prompt.remove_suffix(1);
  return prompt.ends_with(kThinkBegin);
}

Message new_assistant_message() {
  Message message;
  message.role = Role::kAssistant;
  message.reasoning = "";
  return message;
}

void append_event(Message& message, const OutputEvent& event) {
  if (const auto* reasoning = std::get_if<ReasoningDelta>(&event)) {
    if (!message.reasoning) message.reasoning.emplace();
    *message.reasoning += reasoning->text;
  } else if (const auto* text = std::get_if<TextDelta>(&event)) {
    if (message.content.parts.empty()) message.content.parts.emplace_back();
    message.content.parts.back() += text->text;
  } else if (const auto* begin = std::get_if<ToolCallBegin>(&event)) {
    message.tool_calls.push_back(ToolCall{begin->id, begin->name, ""});
  } else if (const auto* arguments = std::get_if<ToolArgumentsDelta>(&event)) {
    JEVONS_CHECK(!message.tool_calls.empty());
    message.tool_calls.back().arguments += arguments->json;
  }
}

}  // namespace jevons
