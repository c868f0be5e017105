// docs/API.md says of every field what the code does with it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"

namespace jevons {
namespace {

struct Endpoint {
  const char* heading;
  std::unique_ptr<Dialect> (*make)();
};
constexpr Endpoint kEndpoints[] = {
    {"## POST /v1/chat/completions", make_openai_chat},
    {"## POST /v1/completions", make_openai_completions},
    {"## POST /v1/responses", [] { return make_openai_responses(std::string()); }},
    {"## POST /v1/messages", make_anthropic_messages},
};

std::string table_of(std::span<const FieldRule> rules) {
  static constexpr const char* kUses[] = {"honoured", "ignored", "refused"};
  std::string table = "| field | | |\n|---|---|---|\n";
  for (const FieldRule& rule : rules) {
    table += fmt::format("| `{}` | {} | {} |\n", rule.path, kUses[static_cast<int>(rule.use)],
                         rule.note);
  }
  return table;
}

/// The first table under a heading, up to the next heading of its kind.
std::string table_under(std::string_view heading) {
  std::ifstream file(JEVONS_SOURCE_DIR "/docs/API.md");
  std::string line, table;
  bool found = false;
  while (std::getline(file, line)) {
    if (line.starts_with("## ")) found = line == heading;
    if (!found) continue;
    if (line.starts_with('|')) {
      table += line + "\n";
    } else if (!table.empty()) {
      break;
    }
  }
  return table;
}

TEST(ApiDocument, EveryFieldIsThere) {
  for (const Endpoint& endpoint : kEndpoints) {
    EXPECT_EQ(table_under(endpoint.heading), table_of(endpoint.make()->fields()))
        << "docs/API.md, under " << endpoint.heading;
  }
}

TEST(ApiDocument, NoFieldIsThereTwice) {
  for (const Endpoint& endpoint : kEndpoints) {
    const auto dialect = endpoint.make();
    std::vector<std::string_view> paths;
    for (const FieldRule& rule : dialect->fields()) {
      EXPECT_EQ(std::ranges::count(paths, rule.path), 0) << endpoint.heading << " " << rule.path;
      paths.emplace_back(rule.path);
    }
  }
}

}  // namespace
}  // namespace jevons
