#include "text/call_builder.h"

#include <fmt/format.h>

namespace jevons {

void EventList::reasoning(std::string_view text) {
  if (text.empty()) return;
  if (!events_.empty()) {
    if (auto* last = std::get_if<ReasoningDelta>(&events_.back())) {
      last->text += text;
      return;
    }
  }
  add(ReasoningDelta{std::string(text)});
}

void EventList::text(std::string_view text) {
  if (text.empty()) return;
  if (!events_.empty()) {
    if (auto* last = std::get_if<TextDelta>(&events_.back())) {
      last->text += text;
      return;
    }
  }
  add(TextDelta{std::string(text)});
}

void EventList::arguments(std::size_t call_index, std::string_view json) {
  if (json.empty()) return;
  if (!events_.empty()) {
    if (auto* last = std::get_if<ToolArgumentsDelta>(&events_.back())) {
      if (last->index == call_index) {
        last->json += json;
        return;
      }
    }
  }
  add(ToolArgumentsDelta{call_index, std::string(json)});
}

/// 24 letters and digits from splitmix64, seeded by the answer's seed and the call's place.
std::string CallBuilder::call_id(std::size_t index) const {
  constexpr std::string_view kAlphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::uint64_t state = id_seed_ + 0xD1B54A32D192ED03ULL * (index + 1);
  std::string id = id_prefix_;
  for (int i = 0; i < 24; ++i) {
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t bits = state;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9ULL;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBULL;
    id += kAlphabet[(bits ^ (bits >> 31)) % kAlphabet.size()];
  }
  return id;
}

void CallBuilder::begin_call(std::string_view name) {
  index_ = n_calls_++;
  call_name_ = name;
  seen_.clear();
  events_.add(ToolCallBegin{index_, call_id(index_), call_name_});
}

void CallBuilder::begin_parameter(std::string_view name, const ValueType& type,
                                  std::string_view raw_tag) {
  parameter_ = name;
  type_ = type;
  buffered_.clear();
  const bool is_first = seen_.empty();
  if (!seen_.insert(parameter_).second) {
    mode_ = Mode::kRepeated;
    events_.warning(fmt::format("{}: parameter \"{}\" came twice; the second is delivered as text",
                                call_name_, parameter_));
    stray_ += raw_tag;
    return;
  }
  mode_ = type.is_string_only() ? Mode::kStream : Mode::kBuffer;
  write((is_first ? "{" : ", ") + json_string(parameter_) + ": ");
  if (mode_ == Mode::kStream) write("\"");
}

void CallBuilder::value(std::string_view text) {
  switch (mode_) {
    case Mode::kStream: {
      std::string escaped;
      append_json_escaped(escaped, text);
      write(escaped);
      return;
    }
    case Mode::kBuffer:
      buffered_ += text;
      return;
    case Mode::kRepeated:
      stray_ += text;
      return;
  }
}

void CallBuilder::end_parameter(std::string_view closing) {
  switch (mode_) {
    case Mode::kStream:
      write("\"");
      return;
    case Mode::kBuffer: {
      if (closing.empty()) {
        write(json_string(buffered_));
        return;
      }
      const TypedValue typed = typed_value(buffered_, type_);
      if (!typed.fits) {
        events_.warning(
            fmt::format("{}: the value of \"{}\" is not of the type that its schema "
                        "asks for; delivered as a string",
                        call_name_, parameter_));
      }
      write(typed.json);
      return;
    }
    case Mode::kRepeated:
      stray_ += closing;
      return;
  }
}

void CallBuilder::stray(std::string_view text) {
  if (stray_.empty()) {
    events_.warning(
        fmt::format("{}: text between its parameters; delivered after the call", call_name_));
  }
  stray_ += text;
}

void CallBuilder::end_call(bool complete) {
  write(seen_.empty() ? "{}" : "}");
  events_.add(ToolCallEnd{index_, complete});
  events_.text(std::exchange(stray_, {}));
}

}  // namespace jevons
