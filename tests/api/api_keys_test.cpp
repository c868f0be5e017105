#include "api/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "api/key_limits.h"
#include "base/atomic_file.h"

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::Not;

class KeysFile {
 public:
  explicit KeysFile(const std::string& text)
      : path_((std::filesystem::temp_directory_path() /
               ("jevons_keys_" + std::to_string(::getpid()) + ".toml"))
                  .string()) {
    EXPECT_TRUE(write_file_atomically(path_, text));
  }
  KeysFile(const KeysFile&) = delete;
  KeysFile& operator=(const KeysFile&) = delete;
  ~KeysFile() { std::filesystem::remove(path_); }
  [[nodiscard]] Result<ApiKeys> read() const { return ApiKeys::read(path_); }

 private:
  std::string path_;
};

std::string problem_of(const std::string& text) {
  const auto keys = KeysFile(text).read();
  return keys ? "" : keys.error().message;
}

TEST(ApiKeys, AreFoundByKeyAndByDigest) {
  // The digest is that of "open sesame", by sha256sum.
  const auto keys = KeysFile(R"([[key]]
name = "one"
key = "secret-number-1"
[[key]]
name = "two"
sha256 = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
priority = "background"
requests_per_minute = 5
max_concurrent = 2
max_tokens = 100
sees_all = true
)")
                        .read();
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->find("secret-number-1")->name, "one");
  EXPECT_EQ(keys->find("secret-number-1")->priority, Priority::kInteractive);
  const auto two = keys->find("open sesame");
  ASSERT_NE(two, nullptr);
  EXPECT_EQ(two->name, "two");
  EXPECT_EQ(two->priority, Priority::kBackground);
  EXPECT_EQ(two->requests_per_minute, 5);
  EXPECT_EQ(two->max_concurrent, 2);
  EXPECT_EQ(two->max_tokens, 100);
  EXPECT_TRUE(two->sees_all);
  EXPECT_FALSE(keys->find("secret-number-1")->sees_all);
  EXPECT_EQ(keys->find("secret-number-2"), nullptr);
  EXPECT_EQ(keys->find(""), nullptr);
}

TEST(ApiKeys, ErrorsNameThePlaceAndNeverTheKey) {
  const std::string begin = "[[key]]\nname = \"one\"\nkey = \"secret-number-1\"\n";
  EXPECT_EQ(problem_of(begin), "");
  EXPECT_THAT(problem_of(begin + "colour = 1\n"),
              HasSubstr(".toml:4: a key has no field 'colour'"));
  EXPECT_THAT(problem_of(begin + "priority = \"high\"\n"), HasSubstr(":4: priority must be"));
  EXPECT_THAT(problem_of(begin + "max_tokens = -1\n"), HasSubstr(":4: max_tokens must be"));
  EXPECT_THAT(problem_of(begin + "sees_all = 1\n"),
              HasSubstr(":4: sees_all must be true or false"));
  EXPECT_THAT(problem_of(begin + begin), HasSubstr("two keys are called 'one'"));
  EXPECT_THAT(problem_of(begin + "[[key]]\nname = \"two\"\nkey = \"secret-number-1\"\n"),
              testing::AllOf(HasSubstr("the same key"), Not(HasSubstr("secret"))));
  EXPECT_THAT(problem_of("[[key]]\nname = \"one\"\n"), HasSubstr("either key or sha256"));
  EXPECT_THAT(problem_of("[[key]]\nkey = \"secret-number-1\"\n"), HasSubstr("must have a name"));
  EXPECT_THAT(problem_of("[[key]]\nname = \"one\"\nsha256 = \"12\"\n"), HasSubstr("64 hex"));
  EXPECT_THAT(problem_of("[[key]]\nname = \"one\"\nkey = \"short\"\n"), HasSubstr("at least 8"));
  EXPECT_THAT(problem_of("keys = 1\n"), HasSubstr("'keys' is not known here"));
  EXPECT_THAT(problem_of(""), HasSubstr("has no keys"));
  EXPECT_THAT(problem_of("[[key"), HasSubstr(".toml:1:"));
}

TEST(KeyLimits, CountsConcurrentRequests) {
  KeyLimits limits;
  ApiKey key;
  key.name = "one";
  key.max_concurrent = 2;
  const auto now = KeyLimits::Clock::now();
  auto first = limits.admit(key, now);
  const auto second = limits.admit(key, now);
  ASSERT_TRUE(first && second);
  const auto third = limits.admit(key, now);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, ApiErrorKind::kRateLimit);
  EXPECT_TRUE(third.error().retry_after_s);
  first->reset();
  EXPECT_TRUE(limits.admit(key, now));
}

// However requests are spread over time, a key gets no more than its rate and one minute's burst.
TEST(KeyLimits, HoldsTheRate) {
  KeyLimits limits;
  ApiKey key;
  key.name = "one";
  key.requests_per_minute = 6;
  const auto begin = KeyLimits::Clock::now();
  int n_admitted = 0;
  for (int second = 0; second <= 120; ++second) {
    if (limits.admit(key, begin + std::chrono::seconds(second))) ++n_admitted;
  }
  EXPECT_EQ(n_admitted, 6 + 12);
  const auto refused = limits.admit(key, begin + std::chrono::seconds(120));
  ASSERT_FALSE(refused);
  EXPECT_GT(*refused.error().retry_after_s, 0);
  EXPECT_LE(*refused.error().retry_after_s, 10.001);
}

}  // namespace
}  // namespace jevons
