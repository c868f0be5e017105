// What constraints cost: making them, and for each token of an answer the mask and the step. The
// counters are of single tokens, in microseconds of CPU time: the median, the 99th percentile and
// the largest.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "code_vocabulary.h"
#include "text/output_constraint.h"
#include "text/tokenizer.h"

namespace jevons {
namespace {

constexpr std::size_t kTokens = 200'064;

template <typename T>
T value_or_exit(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

const Tokenizer& tokenizer() {
  static const Tokenizer value = value_or_exit(Tokenizer::create(CodeVocabulary(kTokens).make()));
  return value;
}

/// The longest token each time: what a tokenizer mostly does.
std::vector<std::int32_t> split(std::string_view text) {
  static const auto ids = [] {
    std::unordered_map<std::string_view, std::int32_t> by_bytes;
    for (std::int32_t id = 0; id < tokenizer().n_tokens(); ++id) {
      by_bytes.emplace(tokenizer().token_bytes(id), id);
    }
    return by_bytes;
  }();
  std::vector<std::int32_t> tokens;
  while (!text.empty()) {
    std::size_t length = std::min<std::size_t>(text.size(), 64);
    while (!ids.contains(text.substr(0, length))) --length;
    tokens.push_back(ids.at(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return tokens;
}

/// Thirty properties of the kinds that clients' schemas have.
std::string order_schema() {
  std::string properties;
  std::string required;
  const auto add = [&](const std::string& name, std::string_view schema) {
    const char* comma = properties.empty() ? "" : ",";
    properties += fmt::format("{}\"{}\":{}", comma, name, schema);
    required += fmt::format("{}\"{}\"", comma, name);
  };
  for (int i = 0; i < 6; ++i) {
    const std::string n = std::to_string(i);
    add("summary_" + n, R"({"type":"string","description":"What was ordered."})");
    add("amount_" + n, R"({"type":"integer","minimum":0,"maximum":100000})");
    add("state_" + n, R"({"enum":["open","paid","sent","returned","lost"]})");
    add("tags_" + n, R"({"type":"array","items":{"type":"string","maxLength":40},"maxItems":8})");
    add("place_" + n, R"({"type":"object","properties":{"city":{"type":"string"},
      "code":{"type":"string","pattern":"^[0-9]{5}$"},"at":{"type":"string","format":"date"}},
      "required":["city","code","at"],"additionalProperties":false})");
  }
  return fmt::format(
      R"({{"type":"object","properties":{{{}}},"required":[{}],"additionalProperties":false}})",
      properties, required);
}

std::string order_answer() {
  std::string answer = "\n\n{";
  for (int i = 0; i < 6; ++i) {
    const std::string n = std::to_string(i);
    if (i > 0) answer += ",";
    answer += fmt::format(R"(
  "summary_{0}": "The third parcel was left with a neighbour, who \"signed\" for it; see Tuesday.",
  "amount_{0}": 4711,
  "state_{0}": "returned",
  "tags_{0}": ["fragile", "left outside", "h\u00f6her als 2 m"],
  "place_{0}": {{"city": "Springfield", "code": "04711", "at": "2026-02-28"}})",
                          n);
  }
  return answer + "\n}";
}

std::vector<ToolDefinition> editor_tools() {
  std::vector<ToolDefinition> tools;
  for (const char* name : {"read_file", "list_files", "search", "run_command", "edit_file"}) {
    tools.push_back({.name = name, .parameters = R"({"type":"object","properties":{
      "path":{"type":"string","description":"Where."},
      "old_text":{"type":"string"},"new_text":{"type":"string"},
      "limit":{"type":"integer","minimum":1,"maximum":2000},
      "options":{"type":"object","properties":{"recursive":{"type":"boolean"},
        "kinds":{"type":"array","items":{"enum":["file","folder"]}}}}},
      "required":["path"]})"});
  }
  return tools;
}

std::string edit_answer() {
  std::string code;
  for (int i = 0; i < 12; ++i) {
    code +=
        "  for (std::size_t i = 0; i < list.size(); ++i) {\n    if (list[i] < \"end\") "
        "out.push_back(list[i]);  // nothing else is wanted here\n  }\n";
  }
  return fmt::format(R"(
<invoke name="edit_file">
<parameter name="path">src/text/prompt.cpp</parameter>
<parameter name="old_text">{0}</parameter>
<parameter name="new_text">{0}</parameter>
<parameter name="limit">120</parameter>
<parameter name="options">{{"recursive": true, "kinds": ["file"]}}</parameter>
</invoke>
)",
                     code);
}

/// Of this thread alone: what else runs on the machine does not count.
double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

/// Mask and step for each of `ids`; the times of single tokens are added to `times`.
void follow(OutputConstraint& constraint, const std::vector<std::int32_t>& ids,
            std::vector<std::uint64_t>& mask, std::vector<double>& times) {
  for (const std::int32_t id : ids) {
    const double begin = cpu_microseconds();
    constraint.fill_mask(mask);
    const auto bit = static_cast<std::uint32_t>(id);
    const bool is_allowed = (mask[bit / 64] >> (bit % 64) & 1) != 0;
    if (!is_allowed || !constraint.accept(id)) {
      std::fprintf(stderr, "the answer is not allowed at token %d\n", id);
      std::exit(1);
    }
    times.push_back(cpu_microseconds() - begin);
  }
}

void report(benchmark::State& state, std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  state.counters["median_us"] = times[times.size() / 2];
  state.counters["p99_us"] = times[times.size() * 99 / 100];
  state.counters["max_us"] = times.back();
  state.counters["tokens"] = static_cast<double>(times.size());
}

void make_compiler(benchmark::State& state) {
  (void)tokenizer();
  for (auto _ : state) {
    const ConstraintCompiler compiler(tokenizer());
    benchmark::DoNotOptimize(&compiler);
  }
}
BENCHMARK(make_compiler)->Unit(benchmark::kMillisecond);

/// A schema that was not seen before each time.
void compile_schema(benchmark::State& state) {
  ConstraintCompiler compiler(tokenizer());
  std::string schema = order_schema();
  for (auto _ : state) {
    schema += ' ';
    ConstraintReport dropped;
    auto constraint = compiler.json_schema(schema, Unsupported::kRefuse, dropped);
    benchmark::DoNotOptimize(constraint.has_value());
  }
}
BENCHMARK(compile_schema)->Unit(benchmark::kMillisecond);

/// The first answer under a schema; the compiler has answered others.
void first_answer(benchmark::State& state) {
  ConstraintCompiler compiler(tokenizer());
  std::vector<std::uint64_t> mask((kTokens + 63) / 64);
  std::vector<double> times;
  std::string schema = order_schema();
  const auto ids = split(order_answer());
  for (int i = 0; i < 2; ++i) {
    times.clear();
    ConstraintReport dropped;
    schema += ' ';
    follow(*value_or_exit(compiler.json_schema(schema, Unsupported::kRefuse, dropped)), ids, mask,
           times);
  }
  times.clear();
  for (auto _ : state) {
    schema += ' ';
    ConstraintReport dropped;
    auto constraint = value_or_exit(compiler.json_schema(schema, Unsupported::kRefuse, dropped));
    follow(*constraint, ids, mask, times);
  }
  report(state, times);
}
BENCHMARK(first_answer)->Unit(benchmark::kMillisecond);

/// The very first token of all: nothing is kept yet.
void first_of_all(benchmark::State& state) {
  std::vector<std::uint64_t> mask((kTokens + 63) / 64);
  std::vector<double> times;
  const auto ids = split(order_answer());
  for (auto _ : state) {
    ConstraintCompiler compiler(tokenizer());
    ConstraintReport dropped;
    follow(*value_or_exit(compiler.json_schema(order_schema(), Unsupported::kRefuse, dropped)), ids,
           mask, times);
  }
  report(state, times);
}
BENCHMARK(first_of_all)->Unit(benchmark::kMillisecond);

void later_answers(benchmark::State& state) {
  ConstraintCompiler compiler(tokenizer());
  std::vector<std::uint64_t> mask((kTokens + 63) / 64);
  std::vector<double> times;
  const auto ids = split(order_answer());
  for (auto _ : state) {
    ConstraintReport dropped;
    follow(*value_or_exit(compiler.json_schema(order_schema(), Unsupported::kRefuse, dropped)), ids,
           mask, times);
  }
  report(state, times);
}
BENCHMARK(later_answers)->Unit(benchmark::kMillisecond);

void any_object(benchmark::State& state) {
  ConstraintCompiler compiler(tokenizer());
  std::vector<std::uint64_t> mask((kTokens + 63) / 64);
  std::vector<double> times;
  const auto ids = split(order_answer());
  for (auto _ : state) follow(*compiler.json_object(), ids, mask, times);
  report(state, times);
}
BENCHMARK(any_object)->Unit(benchmark::kMillisecond);

void tool_call(benchmark::State& state) {
  ConstraintCompiler compiler(tokenizer());
  std::vector<std::uint64_t> mask((kTokens + 63) / 64);
  std::vector<double> times;
  const auto tools = editor_tools();
  std::vector<std::int32_t> ids = split(edit_answer());
  ids.insert(ids.begin(), tokenizer().special_token("<minimax:tool_call>").value());
  ids.push_back(tokenizer().special_token("</minimax:tool_call>").value());
  for (auto _ : state) {
    ConstraintReport dropped;
    ConstraintCompiler::ToolRules rules;
    rules.must_call = true;
    follow(*value_or_exit(compiler.tool_calls(tools, rules, dropped)), ids, mask, times);
  }
  report(state, times);
}
BENCHMARK(tool_call)->Unit(benchmark::kMillisecond);

/// One long string under a schema of one string.
void long_string(benchmark::State& state, const char* schema) {
  ConstraintCompiler compiler(tokenizer());
  std::vector<std::uint64_t> mask((kTokens + 63) / 64);
  std::vector<double> times;
  std::string text = "\"";
  for (int i = 0; i < 40; ++i) text += "the parcel was left with a neighbour ";
  const auto ids = split(text + "\"");
  for (auto _ : state) {
    ConstraintReport dropped;
    follow(*value_or_exit(compiler.json_schema(schema, Unsupported::kRefuse, dropped)), ids, mask,
           times);
  }
  report(state, times);
}
BENCHMARK_CAPTURE(long_string, plain, R"({"type":"string"})")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(long_string, counted, R"({"type":"string","minLength":5,"maxLength":1500})")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(long_string, repeated_class, R"({"type":"string","pattern":"^[a-z ]{0,1500}$"})")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(long_string, pattern, R"({"type":"string","pattern":"^([a-z]+ ?)+$"})")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(long_string, wide_pattern_with_length,
                  R"({"type":"string","pattern":"^[^0-9]+(x|[^0-9])$","maxLength":1500})")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace jevons

BENCHMARK_MAIN();
