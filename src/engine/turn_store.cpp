#include "engine/turn_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <list>
#include <mutex>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "engine/turn_file.h"
#include "text/json_value.h"

namespace jevons {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

std::string letters_and_digits(std::string_view id) {
  std::string kept;
  for (const char c : id) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) kept += c;
  }
  return kept;
}

/// As a client reads and writes it again: in double precision, 1.0 and 1e0 alike.
std::string canonical_number(const std::string& text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || !std::isfinite(value)) return text;
  return fmt::format("{}", value == 0 ? 0.0 : value);
}

void append_canonical(std::string& json, const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kNumber:
      json += canonical_number(value.text);
      return;
    case JsonValue::Kind::kArray:
      json += '[';
      for (const JsonValue& item : value.items) {
        append_canonical(json, item);
        json += ',';
      }
      json += ']';
      return;
    case JsonValue::Kind::kObject: {
      std::vector<std::size_t> order(value.items.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::ranges::sort(order, {}, [&value](std::size_t i) { return value.keys[i]; });
      json += '{';
      for (const std::size_t i : order) {
        json += json_string(value.keys[i]) + ':';
        append_canonical(json, value.items[i]);
        json += ',';
      }
      json += '}';
      return;
    }
    default:
      json += python_json(value);
  }
}

std::string canonical_arguments(const std::string& arguments) {
  const auto parsed = parse_json(arguments);
  if (!parsed) return arguments;
  std::string json;
  append_canonical(json, *parsed);
  return json;
}

/// Different for messages that are not repetitions of each other.
std::string key_of(std::string_view scope, const Message& message) {
  const std::string content = message.content.joined();
  std::string key = json_string(scope) + json_string(trimmed(content));
  for (const ToolCall& call : message.tool_calls) {
    key += json_string(letters_and_digits(call.id)) + json_string(call.name);
    key += canonical_arguments(call.arguments);
  }
  return key;
}

bool reasoning_agrees(const Message& message, std::string_view kept) {
  const std::string_view given =
      message.reasoning ? trimmed(*message.reasoning) : std::string_view();
  if (given.empty() && !message.tool_calls.empty()) return true;
  return given == trimmed(kept);
}

struct Entry {
  std::string key;
  std::shared_ptr<const TurnStore::Turn> turn;

  [[nodiscard]] std::size_t n_bytes() const {
    constexpr std::size_t kBookkeeping = 256;
    return key.size() + turn->opening.size() + turn->reasoning.size() +
           turn->ids.size() * sizeof(std::int32_t) + kBookkeeping;
  }
};

Entry entry_of(const TurnRecord& record) {
  return {record.key,
          std::make_shared<const TurnStore::Turn>(TurnStore::Turn{
              .opening = record.opening, .reasoning = record.reasoning, .ids = record.ids})};
}

}  // namespace

struct TurnStore::State {
  std::size_t max_bytes;
  std::mutex mutex;
  std::size_t n_bytes = 0;
  std::list<Entry> entries;                                                 // the latest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;  // views of the entries

  std::unique_ptr<TurnFile> file{};  // may be null

  void erase(std::list<Entry>::iterator entry) {
    n_bytes -= entry->n_bytes();
    by_key.erase(entry->key);
    entries.erase(entry);
  }

  void insert(Entry entry) {
    if (const auto known = by_key.find(entry.key); known != by_key.end()) erase(known->second);
    n_bytes += entry.n_bytes();
    entries.push_front(std::move(entry));
    by_key.emplace(entries.front().key, entries.begin());
    while (n_bytes > max_bytes) erase(std::prev(entries.end()));
  }
};

TurnStore::TurnStore(std::size_t max_bytes) : state_(std::make_unique<State>()) {
  state_->max_bytes = max_bytes;
}

TurnStore::~TurnStore() = default;

void TurnStore::remember(std::string_view scope, const Message& answer, std::string_view opening,
                         std::span<const std::int32_t> ids) {
  const TurnRecord record{.key = key_of(scope, answer),
                          .opening = std::string(opening),
                          .reasoning = answer.reasoning.value_or(""),
                          .ids = {ids.begin(), ids.end()}};
  {
    const std::lock_guard lock(state_->mutex);
    state_->insert(entry_of(record));
  }
  if (state_->file != nullptr) state_->file->append(record);
}

Result<void> TurnStore::keep_in(const std::string& path, std::string_view fingerprint) {
  std::vector<TurnRecord> records;
  JEVONS_ASSIGN(state_->file, TurnFile::open(path, fingerprint, state_->max_bytes / 2, records));
  const std::lock_guard lock(state_->mutex);
  for (const TurnRecord& record : records) state_->insert(entry_of(record));
  return {};
}

void TurnStore::flush(double timeout_ms) {
  if (state_->file != nullptr) state_->file->flush(timeout_ms);
}

std::shared_ptr<const TurnStore::Turn> TurnStore::find(std::string_view scope,
                                                       const Message& message) const {
  const std::string key = key_of(scope, message);
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  const auto known = state.by_key.find(key);
  if (known == state.by_key.end()) return nullptr;
  if (!reasoning_agrees(message, known->second->turn->reasoning)) return nullptr;
  state.entries.splice(state.entries.begin(), state.entries, known->second);
  return known->second->turn;
}

std::size_t TurnStore::n_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->n_bytes;
}

}  // namespace jevons
