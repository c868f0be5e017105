// Asks constraints, for tools/schema_oracle: one JSON request for each line of standard input, one
// JSON answer for each line of standard output.
//
//   {"walk": N, "seed": S, "schema": TEXT, "strict": BOOL}   N answers of a random model
//   {"accept": [TEXT...], "schema": TEXT, "strict": BOOL}    which of these texts are whole answers
//   {"walk": N, "seed": S, "tools": [...], "rules": {...}}   the same with tool calls
//
// Answers: {"error": TEXT}, or "dropped" and "texts", "accepted", or "calls".
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "random_model.h"
#include "text/chat_json.h"
#include "text/output_constraint.h"
#include "text/output_parser.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace {

using nlohmann::json;
using namespace jevons;

json report_json(const ConstraintReport& report) {
  json list = json::array();
  for (const DroppedKeyword& dropped : report.dropped) {
    list.push_back({{"path", dropped.path}, {"keyword", dropped.keyword}});
  }
  return list;
}

/// The calls of an answer, and all text outside them.
json parsed_calls(const std::string& text, const std::vector<ToolDefinition>& tools) {
  OutputParser parser(tools);
  Message message = new_assistant_message();
  json warnings = json::array();
  const auto take = [&](const std::vector<OutputEvent>& events) {
    for (const OutputEvent& event : events) {
      append_event(message, event);
      if (const auto* warning = std::get_if<OutputWarning>(&event)) {
        warnings.push_back(warning->message);
      }
    }
  };
  take(parser.push("</think>" + text));
  take(parser.finish());
  json calls = json::array();
  for (const ToolCall& call : message.tool_calls) {
    calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
  }
  return {{"text", text},
          {"content", message.content.joined()},
          {"calls", std::move(calls)},
          {"warnings", std::move(warnings)}};
}

class Asker {
 public:
  explicit Asker(const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), bytes_(byte_tokens(tokenizer)), compiler_(tokenizer) {}

  json answer(const json& request) {
    return request.contains("tools") ? answer_calls(request) : answer_schema(request);
  }

 private:
  json answer_schema(const json& request) {
    const std::string schema = request["schema"];
    const auto unsupported =
        request.value("strict", true) ? Unsupported::kRefuse : Unsupported::kDrop;
    json answer;
    const int n_walks = request.value("walk", 0);
    for (int i = 0; i < n_walks; ++i) {
      ConstraintReport report;
      auto constraint = compiler_.json_schema(schema, unsupported, report);
      if (!constraint) return {{"error", constraint.error().message}};
      answer["dropped"] = report_json(report);
      RandomModel model(tokenizer_, request.value("seed", 1u) + static_cast<unsigned>(i));
      const RandomModel::Answer text = model.write(**constraint);
      if (!text.is_finished) {
        answer[text.is_stuck ? "stuck" : "unfinished"].push_back(text.text);
        continue;
      }
      answer["texts"].push_back(text.text);
    }
    if (!request.contains("accept")) return answer;
    for (const json& text : request["accept"]) {
      ConstraintReport report;
      auto constraint = compiler_.json_schema(schema, unsupported, report);
      if (!constraint) return {{"error", constraint.error().message}};
      answer["dropped"] = report_json(report);
      answer["accepted"].push_back(accepts_bytes(**constraint, bytes_, text.get<std::string>()));
    }
    return answer;
  }

  json answer_calls(const json& request) {
    auto tools = parse_tools(request["tools"].dump());
    if (!tools) return {{"error", tools.error().message}};
    const json rules_json = request.value("rules", json::object());
    ConstraintCompiler::ToolRules rules;
    rules.must_call = rules_json.value("must_call", true);
    rules.parallel = rules_json.value("parallel", true);
    rules.only = rules_json.value("only", std::string());
    json answer;
    for (int i = 0; i < request.value("walk", 1); ++i) {
      ConstraintReport report;
      auto constraint = compiler_.tool_calls(*tools, rules, report);
      if (!constraint) return {{"error", constraint.error().message}};
      answer["dropped"] = report_json(report);
      RandomModel model(tokenizer_, request.value("seed", 1u) + static_cast<unsigned>(i));
      const RandomModel::Answer text = model.write(**constraint);
      if (text.is_finished) answer["calls"].push_back(parsed_calls(text.text, *tools));
    }
    return answer;
  }

  const Tokenizer& tokenizer_;
  std::vector<std::int32_t> bytes_;
  ConstraintCompiler compiler_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: constraint_cli TOKENIZER_JSON\n");
    return 2;
  }
  auto vocabulary = read_tokenizer_json(argv[1]);
  if (!vocabulary) {
    std::fprintf(stderr, "%s\n", vocabulary.error().message.c_str());
    return 1;
  }
  if (!vocabulary->eos_id) {
    for (std::size_t id = 0; id < vocabulary->tokens.size(); ++id) {
      if (vocabulary->tokens[id] == "[e~[") vocabulary->eos_id = static_cast<std::int32_t>(id);
    }
  }
  const auto tokenizer = Tokenizer::create(std::move(*vocabulary));
  if (!tokenizer) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 1;
  }
  Asker asker(*tokenizer);
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::string answer =
        asker.answer(json::parse(line)).dump(-1, ' ', false, json::error_handler_t::replace);
    std::printf("%s\n", answer.c_str());
    std::fflush(stdout);
  }
  return 0;
}
