#include "convert/routing_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/atomic_file.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RoutingFile : public testing::Test {
 protected:
  RoutingFile() {
    config_.n_layers = 2;
    config_.n_experts = 4;
    config_.n_experts_used = 2;
  }
  ~RoutingFile() override { std::filesystem::remove(path_); }

  Result<RoutingTrace> read(const std::string& text) {
    EXPECT_TRUE(write_file_atomically(path_, text));
    return read_routing(path_, config_);
  }

  ModelConfig config_;
  const std::string path_ =
      testing::TempDir() + std::to_string(::getpid()) + "jevons-routing-test.json";
};

TEST_F(RoutingFile, ComesBackAsItWas) {
  RoutingTrace trace = RoutingTrace::sized(2, 3, 2);
  trace.experts = {0, 1, 2, 3, 3, 0, 1, 2, 0, 3, 2, 1};
  ASSERT_TRUE(write_routing(path_, trace));
  const auto read_back = read_routing(path_, config_);
  ASSERT_TRUE(read_back) << read_back.error().message;
  EXPECT_EQ(read_back->experts, trace.experts);
  EXPECT_EQ(read_back->n_tokens, 3);
}

TEST_F(RoutingFile, ReadsTheTracesOfOtherPrograms) {
  // A pass over several tokens at once says only which experts were needed: left out.
  const auto trace = read(R"({"seq": [[0, [0, 1, 2]], [1, [0, 1, 3]], [0, [3, 1]], [1, [2, 0]]]})");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->n_tokens, 1);
  EXPECT_EQ(trace->experts, (std::vector<std::int32_t>{3, 1, 2, 0}));
}

TEST_F(RoutingFile, ReadsTheLinesOfOurOwnTraces) {
  const auto trace = read("[0,[0,1]]\n[0,[1,2]]\n[1,[]]\n[1,[3,1]]\n[0,[2,");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->n_tokens, 2);
  EXPECT_EQ(trace->experts, (std::vector<std::int32_t>{0, 1, 1, 2, kNoExpert, kNoExpert, 3, 1}));
}

TEST_F(RoutingFile, ErrorsNameTheFileAndThePlace) {
  const auto complaint = [&](const std::string& text) {
    const auto trace = read(text);
    EXPECT_FALSE(trace) << text;
    return trace ? "" : trace.error().message;
  };
  EXPECT_THAT(complaint("{"), AllOf(HasSubstr(path_), HasSubstr("not a JSON object")));
  EXPECT_THAT(complaint("{}"), HasSubstr("neither"));
  EXPECT_THAT(complaint("\n"), AllOf(HasSubstr(path_), HasSubstr("it is empty")));
  EXPECT_THAT(complaint("[0,[0,1]]\n[1,[0,9]]\n"), AllOf(HasSubstr(path_), HasSubstr("line 2")));
  EXPECT_THAT(complaint(R"({"experts": [[[0, 1]]]})"), HasSubstr("1 layers, and the model 2"));
  EXPECT_THAT(complaint(R"({"experts": [[[0, 1]], []]})"), HasSubstr("layer 1 has 0 tokens"));
  EXPECT_THAT(complaint(R"({"experts": [[[0, 4]], [[0, 1]]]})"),
              AllOf(HasSubstr("experts[0][0]"), HasSubstr("is 4")));
  EXPECT_THAT(complaint(R"({"experts": [[[0, -1]], [[0, 1]]]})"), HasSubstr("is -1"));
  EXPECT_THAT(complaint(R"({"experts": [[[0, 0]], [[0, 1]]]})"), HasSubstr("expert 0 twice"));
  EXPECT_THAT(complaint(R"({"experts": [[[0]], [[0, 1]]]})"), HasSubstr("a list of 2 experts"));
  EXPECT_THAT(complaint(R"({"experts": [[[0, 1.5]], [[0, 1]]]})"), HasSubstr("whole number"));
  EXPECT_THAT(complaint(R"({"experts": [], "seq": []})"), HasSubstr("0 layers"));
  EXPECT_THAT(complaint(R"({"experts": [[], []]})"), HasSubstr("0 tokens"));
  EXPECT_THAT(complaint(R"({"seq": [[5, [0, 1]]]})"), HasSubstr("is 5"));
}

}  // namespace
}  // namespace jevons
