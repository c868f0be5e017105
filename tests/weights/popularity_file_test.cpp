#include "weights/popularity_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace jevons {
namespace {

class PopularityFile : public ::testing::Test {
 protected:
  PopularityFile()
      : path_((std::filesystem::temp_directory_path() /
               (std::string("jevons-popularity-") +
                ::testing::UnitTest::GetInstance()->current_test_info()->name()))
                  .string()) {}
  ~PopularityFile() override { std::filesystem::remove(path_); }

  void write(const std::string& text) const { std::ofstream(path_) << text; }
  // The message of reading it for the model "abc".
  [[nodiscard]] std::string error() const {
    const auto read = read_popularity(path_, "abc");
    return read ? "" : read.error().message;
  }
  const std::string path_;
};

TEST_F(PopularityFile, ComesBackAsItWasToAMillionth) {
  const ExpertPopularity written{"abc", 2, 3, {0, 0.5F, 1, 0.123456F, 1e-6F, 0.25F}};
  ASSERT_TRUE(write_popularity(path_, written));
  const auto read = read_popularity(path_, "abc");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->n_layers, 2);
  EXPECT_EQ(read->n_experts, 3);
  ASSERT_EQ(read->uses.size(), written.uses.size());
  for (std::size_t i = 0; i < written.uses.size(); ++i) {
    EXPECT_NEAR(read->uses[i], written.uses[i], 1e-6);
  }
}

TEST_F(PopularityFile, OfAnotherModelIsRefused) {
  ASSERT_TRUE(write_popularity(path_, {"xyz", 1, 1, {0.5F}}));
  EXPECT_NE(error().find("another model"), std::string::npos) << error();
}

TEST_F(PopularityFile, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not a JSON object"},
      {"[1]", "not a JSON object"},
      {R"({"version":2,"fingerprint":"abc"})", "'version' is 2"},
      {R"({"version":1})", "another model"},
      {R"({"version":1,"fingerprint":"abc"})", "'n_layers'"},
      {R"({"version":1,"fingerprint":"abc","n_layers":-1})", "'n_layers'"},
      {R"({"version":1,"fingerprint":"abc","n_layers":1,"n_experts":2e99})", "'n_experts'"},
      {R"({"version":1,"fingerprint":"abc","n_layers":1,"n_experts":2})", "must be 2 numbers"},
      {R"(2,"uses_per_million":[1]})", "must be 2 numbers"},
      {R"(1,"uses_per_million":[-4]})", "has -4"},
      {R"(1,"uses_per_million":[1000001]})", "has 1000001"}};
  for (const auto& [end, message] : cases) {
    // Those that begin with a number go on from a head that is right.
    const std::string head = R"({"version":1,"fingerprint":"abc","n_layers":1,"n_experts":)";
    const std::string text = (end[0] == '1' || end[0] == '2' ? head : std::string()) + end;
    write(text);
    EXPECT_NE(error().find(message), std::string::npos) << text << " gives: " << error();
    EXPECT_NE(error().find(path_), std::string::npos) << error();
  }
}

}  // namespace
}  // namespace jevons
