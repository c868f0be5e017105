#include "api/scripted_answers.h"

#include "text/json_value.h"

namespace jevons {

Result<ScriptedAnswers> ScriptedAnswers::parse(std::string_view json, const std::string& source) {
  const Result<JsonValue> list = parse_json(json);
  if (!list) return fail("{}: {}", source, list.error().message);
  if (!list->is_array()) return fail("{}: must be a list of answers", source);
  ScriptedAnswers answers;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const JsonValue* match = list->items[i].find("match");
    const JsonValue* answer = list->items[i].find("answer");
    if (match == nullptr || answer == nullptr || !match->is_string() || !answer->is_string()) {
      return fail("{}: [{}] must be an object with the texts \"match\" and \"answer\"", source, i);
    }
    answers.entries_.push_back({match->text, answer->text});
  }
  return answers;
}

const std::string* ScriptedAnswers::find(std::string_view prompt) const {
  for (const Entry& entry : entries_) {
    if (prompt.find(entry.match) != std::string_view::npos) return &entry.answer;
  }
  return nullptr;
}

const std::string* ScriptedAnswers::find(const ChatRequest& request) const {
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message) {
    if (message->role != Role::kUser && message->role != Role::kTool) continue;
    return find(message->content.joined());
  }
  return nullptr;
}

}  // namespace jevons
