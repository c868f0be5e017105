#include "api/cache_break.h"

#include <gtest/gtest.h>

#include "running_server.h"

namespace jevons {
namespace {

GenerationReport report_of(int token_index) {
  GenerationPlan::Prompt prompt;
  prompt.tools_begin = 10;
  prompt.n_system_tokens = 20;
  prompt.message_begins = {0, 20, 30, 45};  // system, user, assistant, user
  const Tokenizer& tokenizer = nano_engine()->tokenizer();
  CacheReport cache;
  cache.broke_at = CacheReport::Break{token_index, tokenizer.encode("old", SpecialTokens::kIgnore),
                                      tokenizer.encode("new \xc3\xa4", SpecialTokens::kIgnore), 5};
  cache.broke_at->prompt.pop_back();  // half a character, perhaps
  GenerationReport report;
  describe_cache_break(tokenizer, prompt, cache, report);
  return report;
}

TEST(CacheBreak, IsNamedByWhatItLiesIn) {
  EXPECT_EQ(report_of(0).broke_where, "system");
  EXPECT_EQ(report_of(9).broke_where, "system");
  EXPECT_EQ(report_of(10).broke_where, "tools");
  EXPECT_EQ(report_of(19).broke_where, "tools");
  EXPECT_EQ(report_of(20).broke_where, "messages[1]");
  EXPECT_EQ(report_of(29).broke_where, "messages[1]");
  EXPECT_EQ(report_of(30).broke_where, "messages[2]");
  EXPECT_EQ(report_of(1000).broke_where, "messages[3]");
}

TEST(CacheBreak, ShowsBothSides) {
  const GenerationReport report = report_of(25);
  EXPECT_EQ(report.cached_excerpt, "old");
  EXPECT_TRUE(report.prompt_excerpt.starts_with("new"));
}

TEST(CacheBreak, NoBreakSaysNothing) {
  GenerationReport report;
  describe_cache_break(nano_engine()->tokenizer(), {}, {}, report);
  EXPECT_EQ(report.broke_where, "");
  EXPECT_EQ(report.cached_excerpt, "");
}

}  // namespace
}  // namespace jevons
