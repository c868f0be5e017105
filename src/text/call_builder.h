// Writes the events of the output parser: joins neighbouring deltas, and turns the parameters of
// a call, as they arrive, into fragments of one JSON object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "text/output_parser.h"
#include "text/tool_schema.h"

namespace jevons {

/// Collects events in order. A delta that follows one of its kind is appended to it.
class EventList {
 public:
  void reasoning(std::string_view text);
  void text(std::string_view text);
  void arguments(std::size_t call_index, std::string_view json);
  void warning(std::string message) { add(OutputWarning{std::move(message)}); }
  void add(OutputEvent event) { events_.push_back(std::move(event)); }

  [[nodiscard]] std::vector<OutputEvent> take() { return std::exchange(events_, {}); }

 private:
  std::vector<OutputEvent> events_;
};

/// One call after the other. Text that is no part of a call but came inside it waits for the
/// call's end.
class CallBuilder {
 public:
  CallBuilder(EventList& events, std::string id_prefix, std::uint64_t id_seed)
      : events_(events), id_prefix_(std::move(id_prefix)), id_seed_(id_seed) {}

  void begin_call(std::string_view name);

  /// `raw_tag` is kept for the case that the parameter came before: then it is stray text.
  void begin_parameter(std::string_view name, const ValueType& type, std::string_view raw_tag);
  void value(std::string_view text);
  /// `closing`: the tag that closed the value, empty if the output ended inside it.
  void end_parameter(std::string_view closing);

  void stray(std::string_view text);
  void end_call(bool complete);

 private:
  [[nodiscard]] std::string call_id(std::size_t index) const;
  void write(std::string_view json) { events_.arguments(index_, json); }

  enum class Mode { kStream, kBuffer, kRepeated };

  EventList& events_;
  std::string id_prefix_;
  std::uint64_t id_seed_;
  std::size_t n_calls_ = 0;
  std::size_t index_ = 0;  // of the open call
  std::string call_name_;
  std::unordered_set<std::string> seen_;  // parameters of the open call
  std::string parameter_;                 // the open one
  ValueType type_;
  Mode mode_ = Mode::kStream;
  std::string buffered_;  // value of a parameter that is not streamed
  std::string stray_;
};

}  // namespace jevons
