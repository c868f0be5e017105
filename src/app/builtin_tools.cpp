#include "app/builtin_tools.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/expression.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

std::string run_calculator(const Json& arguments) {
  const auto expression = arguments.find("expression");
  if (expression == arguments.end()) return "error: the parameter expression is missing";
  const std::string text =
      expression->is_string() ? expression->get<std::string>() : expression->dump();
  const Result<double> value = evaluate_expression(text);
  return value ? plain_number(*value) : "error: " + value.error().message;
}

std::string run_clock(const Json& /*arguments*/) { return clock_text(std::time(nullptr)); }

struct BuiltinTool {
  const char* name;
  const char* description;
  const char* parameters;
  std::string (*run)(const Json& arguments);
};

// Nano was trained with exactly these words.
constexpr BuiltinTool kTools[] = {
    {"calculator", "Evaluate an arithmetic expression.",
     R"json({"type": "object", "properties": {"expression": {"type": "string", )json"
     R"json("description": "For example 12 * (3 + 4)"}}, "required": ["expression"]})json",
     run_calculator},
    {"clock", "Tell the current date and time.", R"json({"type": "object", "properties": {}})json",
     run_clock},
};

ToolDefinition definition_of(const BuiltinTool& tool) {
  return {tool.name, tool.description, tool.parameters,
          fmt::format(R"({{"name": "{}", "description": "{}", "parameters": {}}})", tool.name,
                      tool.description, tool.parameters)};
}

}  // namespace

Result<std::vector<ToolDefinition>> builtin_tools(std::string_view names) {
  std::vector<ToolDefinition> tools;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    names.remove_prefix(std::min(names.size(), comma + 1));
    const auto* found = std::find_if(std::begin(kTools), std::end(kTools),
                                     [&](const BuiltinTool& tool) { return tool.name == name; });
    if (found == std::end(kTools)) {
      std::string known;
      for (const BuiltinTool& tool : kTools)
        known += (known.empty() ? "" : ", ") + std::string(tool.name);
      return fail("there is no tool '{}'; the tools are {}", name, known);
    }
    ToolDefinition tool = definition_of(*found);
    if (std::find(tools.begin(), tools.end(), tool) == tools.end())
      tools.push_back(std::move(tool));
  }
  return tools;
}

std::string run_builtin_tool(const ToolCall& call, const std::vector<ToolDefinition>& offered) {
  const bool is_offered = std::any_of(offered.begin(), offered.end(),
                                      [&](const auto& tool) { return tool.name == call.name; });
  const auto* found = std::find_if(std::begin(kTools), std::end(kTools),
                                   [&](const BuiltinTool& tool) { return tool.name == call.name; });
  if (!is_offered || found == std::end(kTools)) {
    return fmt::format("error: there is no tool named {}", call.name);
  }
  const Json arguments = Json::parse(call.arguments, nullptr, false);
  if (!arguments.is_object()) return "error: the arguments are not a JSON object";
  return found->run(arguments);
}

std::string clock_text(std::time_t now) {
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[64];
  // The names of the days are English whatever the locale: only LC_CTYPE is ever set.
  std::strftime(text, sizeof text, "%A, %Y-%m-%d %H:%M", &local);
  return text;
}

}  // namespace jevons
