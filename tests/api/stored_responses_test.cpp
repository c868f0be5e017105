#include "api/stored_responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "api/stored_response_file.h"
#include "base/atomic_file.h"
#include "tests/api/responses_events.h"

namespace jevons {
namespace {

/// A folder of its own for one test, removed with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "jevons-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

StoredResponse example(const std::string& letters, const std::string& key = "anna") {
  return StoredResponse{"resp_" + letters, key, R"({"id":"resp_)" + letters + R"(","output":[]})",
                        R"([{"id":"msg_1","type":"message","role":"user","content":"\u00e9\n"}])"};
}

void expect_same(const StoredResponse& a, const StoredResponse& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.key_name, b.key_name);
  EXPECT_EQ(a.response, b.response);
  EXPECT_EQ(a.input, b.input);
}

TEST(StoredResponses, AreFoundByTheirKeyAlone) {
  const auto stored = open_store();
  stored->put(example("a"));
  ASSERT_NE(stored->find("anna", "resp_a"), nullptr);
  expect_same(*stored->find("anna", "resp_a"), example("a"));
  EXPECT_EQ(stored->find("bert", "resp_a"), nullptr);
  EXPECT_EQ(stored->find("", "resp_a"), nullptr);
  EXPECT_EQ(stored->find("anna", "resp_b"), nullptr);
  EXPECT_FALSE(stored->erase("bert", "resp_a"));
  EXPECT_TRUE(stored->erase("anna", "resp_a"));
  EXPECT_FALSE(stored->erase("anna", "resp_a"));
  EXPECT_EQ(stored->n_memory_bytes(), 0U);
}

TEST(StoredResponses, TheOneNotAskedForLongestGoesFirst) {
  StoredResponses::Options options;
  options.max_memory_bytes = 1200;  // three of them
  const auto stored = *StoredResponses::open(options);
  for (const char* const letters : {"a", "b", "c"}) stored->put(example(letters));
  ASSERT_NE(stored->find("anna", "resp_a"), nullptr);
  stored->put(example("d"));
  EXPECT_NE(stored->find("anna", "resp_a"), nullptr);
  EXPECT_EQ(stored->find("anna", "resp_b"), nullptr);
  EXPECT_NE(stored->find("anna", "resp_d"), nullptr);
  EXPECT_LE(stored->n_memory_bytes(), options.max_memory_bytes);
}

TEST(StoredResponses, AreThereAfterARestart) {
  const ScratchFolder folder;
  open_store(folder / "responses")->put(example("a"));
  const auto stored = open_store(folder / "responses");
  ASSERT_NE(stored->find("anna", "resp_a"), nullptr);
  expect_same(*stored->find("anna", "resp_a"), example("a"));
  EXPECT_EQ(stored->find("bert", "resp_a"), nullptr);
  EXPECT_GT(stored->n_disk_bytes(), 0U);
}

TEST(StoredResponses, AreForTheirOwnerAlone) {
  using std::filesystem::perms;
  const ScratchFolder scratch;
  open_store(scratch / "responses")->put(example("a"));
  const perms others = perms::group_all | perms::others_all;
  const std::filesystem::path folder = scratch / "responses";
  EXPECT_EQ(std::filesystem::status(folder).permissions() & others, perms::none);
  int n_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_EQ(entry.status().permissions() & others, perms::none) << entry.path();
    ++n_files;
  }
  EXPECT_EQ(n_files, 1);
}

TEST(StoredResponses, WhatWasErasedStaysErased) {
  const ScratchFolder folder;
  {
    const auto stored = open_store(folder / "responses");
    for (const char* const letters : {"a", "b", "c"}) {
      stored->put(example(letters));
      EXPECT_TRUE(stored->erase("anna", std::string("resp_") + letters));
      EXPECT_EQ(stored->find("anna", std::string("resp_") + letters), nullptr);
    }
    stored->flush();
    EXPECT_EQ(stored->n_disk_bytes(), 0U);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "responses"));
}

TEST(StoredResponses, AnyDamageIsAMiss) {
  const ScratchFolder folder;
  open_store(folder / "responses")->put(example("a"));
  const std::string path = (folder / "responses") + "/resp_a.json";
  const auto whole = read_file(path);
  ASSERT_TRUE(whole.has_value());
  for (std::size_t i = 0; i < whole->size(); ++i) {
    std::string flipped = *whole;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    EXPECT_FALSE(read_stored_response(flipped).has_value()) << i;
    EXPECT_FALSE(read_stored_response(whole->substr(0, i)).has_value()) << i;
  }
  std::ofstream(path, std::ios::trunc) << whole->substr(0, whole->size() / 2);
  const auto stored = open_store(folder / "responses");
  EXPECT_EQ(stored->find("anna", "resp_a"), nullptr);
  const auto dialect = make_openai_responses(stored);
  const auto request =
      parse_with(*dialect, R"({"input":"q","previous_response_id":"resp_a"})", "anna");
  ASSERT_FALSE(request.has_value());
  EXPECT_EQ(http_status(request.error().kind), 404);
}

TEST(StoredResponses, AFileUnderAnotherNameIsNotThatResponse) {
  const ScratchFolder folder;
  open_store(folder / "responses")->put(example("a"));
  std::filesystem::copy_file((folder / "responses") + "/resp_a.json",
                             (folder / "responses") + "/resp_b.json");
  EXPECT_EQ(open_store(folder / "responses")->find("anna", "resp_b"), nullptr);
}

TEST(StoredResponses, WhatACrashLeftAndWhatIsOldIsRemoved) {
  const ScratchFolder folder;
  open_store(folder / "responses")->put(example("a"));
  open_store(folder / "responses")->put(example("b"));
  const std::filesystem::path at = folder / "responses";
  std::ofstream(at / "resp_c.json.partial-123") << "half";
  std::ofstream(at / "other.txt") << "not ours";
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(at / "resp_a.json", now - std::chrono::hours(24 * 31));
  const auto stored = open_store(at.string());
  EXPECT_EQ(stored->find("anna", "resp_a"), nullptr);
  EXPECT_NE(stored->find("anna", "resp_b"), nullptr);
  EXPECT_FALSE(std::filesystem::exists(at / "resp_c.json.partial-123"));
  EXPECT_TRUE(std::filesystem::exists(at / "other.txt"));
}

TEST(StoredResponses, TheFolderKeepsToItsLimit) {
  const ScratchFolder folder;
  StoredResponses::Options options;
  options.folder = folder / "responses";
  options.max_disk_bytes = 1000;
  {
    const auto stored = *StoredResponses::open(options);
    for (int i = 0; i < 20; ++i) stored->put(example(fmt::format("n{}", i)));
    stored->flush();
    EXPECT_LE(stored->n_disk_bytes(), options.max_disk_bytes);
  }
  const auto stored = *StoredResponses::open(options);
  EXPECT_LE(stored->n_disk_bytes(), options.max_disk_bytes);
  EXPECT_NE(stored->find("anna", "resp_n19"), nullptr);
  EXPECT_EQ(stored->find("anna", "resp_n0"), nullptr);
}

TEST(StoredResponses, AFolderThatCannotBeIsAnErrorThatNamesIt) {
  const ScratchFolder folder;
  std::ofstream(folder / "file") << "x";
  StoredResponses::Options options;
  options.folder = folder / "file/responses";
  const auto stored = StoredResponses::open(options);
  ASSERT_FALSE(stored.has_value());
  EXPECT_THAT(stored.error().message, ::testing::HasSubstr(options.folder));
}

TEST(StoredResponses, ManyThreadsAtOnce) {
  const ScratchFolder folder;
  const auto stored = open_store(folder / "responses");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&stored, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string letters = fmt::format("t{}i{}", t, i);
        stored->put(example(letters));
        EXPECT_NE(stored->find("anna", "resp_" + letters), nullptr);
        if (i % 3 == 0) {
          EXPECT_TRUE(stored->erase("anna", "resp_" + letters));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stored->flush();
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 20; ++i) {
      const bool is_there = stored->find("anna", fmt::format("resp_t{}i{}", t, i)) != nullptr;
      EXPECT_EQ(is_there, i % 3 != 0);
    }
  }
}

TEST(StoredResponses, OnlyLettersAndDigitsAreAnId) {
  for (const char* const id : {"", "resp_", "resp_../x", "resp_a/b", "resp_a.json", "Resp_a", "a",
                               "resp_a b", "resp_\xc3\xa9"}) {
    EXPECT_FALSE(is_response_id(id)) << id;
  }
  EXPECT_TRUE(is_response_id("resp_0aZ"));
  EXPECT_FALSE(is_response_id("resp_" + std::string(65, 'a')));
}

// ---- What the routes answer, and conversations through the dialect.

class StoredConversation : public ::testing::Test {
 protected:
  /// The id of a response to `body`, answered with `text`.
  std::string answer(const Json& body, const std::string& text, const std::string& id,
                     const std::string& key = "anna") {
    const auto dialect = make_openai_responses(stored_);
    const auto request = parse_with(*dialect, body.dump(), key);
    EXPECT_TRUE(request.has_value()) << request.error().message;
    auto context = response_context(id);
    context.key_name = key;
    const auto writer = dialect->writer(*request, context);
    const auto response =
        Json::parse(write_answer(*writer, {ReasoningDelta{"hm"}, TextDelta{text}}, ChoiceEnd{}));
    return response["id"];
  }

  std::vector<std::string> texts(const Json& body, const std::string& key = "anna") {
    const auto dialect = make_openai_responses(stored_);
    const auto request = parse_with(*dialect, body.dump(), key);
    EXPECT_TRUE(request.has_value()) << request.error().message;
    std::vector<std::string> texts;
    for (const Message& message : std::get<ChatRequest>(request->input).messages) {
      texts.push_back(message.reasoning.value_or("") + message.content.joined());
    }
    return texts;
  }

  ScratchFolder folder_;
  std::shared_ptr<StoredResponses> stored_ = open_store(folder_ / "responses");
};

constexpr const char* kFirst = "aaaaaaaaaaaaaaaaaaaaaaaa";
constexpr const char* kSecond = "bbbbbbbbbbbbbbbbbbbbbbbb";

TEST_F(StoredConversation, GoesOnOverRestarts) {
  const std::string first = answer({{"input", "one"}, {"instructions", "be A"}}, "1", kFirst);
  stored_.reset();
  stored_ = open_store(folder_ / "responses");
  const std::string second =
      answer({{"input", "two"}, {"previous_response_id", first}}, "2", kSecond);
  stored_.reset();
  stored_ = open_store(folder_ / "responses");
  EXPECT_THAT(
      texts({{"input", "three"}, {"instructions", "be B"}, {"previous_response_id", second}}),
      ::testing::ElementsAre("be B", "one", "hm1", "two", "hm2", "three"));
  // It may fork, too, and does not need the response that it went on from.
  EXPECT_TRUE(stored_->erase("anna", first));
  EXPECT_THAT(texts({{"input", "3"}, {"previous_response_id", second}}),
              ::testing::ElementsAre("one", "hm1", "two", "hm2", "3"));
}

TEST_F(StoredConversation, IsNobodyElses) {
  const std::string first = answer({{"input", "one"}}, "1", kFirst);
  const auto dialect = make_openai_responses(stored_);
  const Json body = {{"input", "two"}, {"previous_response_id", first}};
  for (const char* const key : {"bert", ""}) {
    const auto request = parse_with(*dialect, body.dump(), key);
    ASSERT_FALSE(request.has_value());
    EXPECT_EQ(request.error().kind, ApiErrorKind::kNotFound);
    EXPECT_FALSE(stored_response_body(*stored_, key, first, "").has_value());
    EXPECT_FALSE(stored_input_items(*stored_, key, first, "").has_value());
    EXPECT_FALSE(delete_stored_response(*stored_, key, first).has_value());
  }
}

TEST_F(StoredConversation, IsNotKeptIfTheClientSaysSo) {
  const std::string id = answer({{"input", "one"}, {"store", false}}, "1", kFirst);
  EXPECT_EQ(stored_->find("anna", id), nullptr);
}

TEST_F(StoredConversation, ItemsAreFoundByReference) {
  const std::string id = answer({{"input", "one"}}, "1", kFirst);
  const Json response = Json::parse(*stored_response_body(*stored_, "anna", id, ""));
  Json input = Json::array({{{"role", "user"}, {"content", "one"}}});
  for (const Json& item : response["output"]) {
    input.push_back({{"type", "item_reference"}, {"id", item["id"]}});
  }
  input.push_back({{"role", "user"}, {"content", "two"}});
  EXPECT_THAT(texts({{"input", input}}), ::testing::ElementsAre("one", "hm1", "two"));
  const Json page = Json::parse(*stored_input_items(*stored_, "anna", id, ""));
  EXPECT_THAT(texts({{"input", Json::array({{{"id", page["data"][0]["id"]}}})}}),
              ::testing::ElementsAre("one"));
}

TEST_F(StoredConversation, InputItemsComeInPages) {
  Json input = Json::array();
  for (int i = 0; i < 5; ++i) input.push_back({{"role", "user"}, {"content", std::to_string(i)}});
  const std::string id = answer({{"input", input}}, "1", kFirst);
  const auto page = [&](const std::string& query) {
    return Json::parse(*stored_input_items(*stored_, "anna", id, query));
  };
  const Json all = page("order=asc");
  ASSERT_EQ(all["data"].size(), 5U);
  EXPECT_EQ(all["has_more"], false);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(all["data"][i]["type"], "message");
    EXPECT_EQ(all["data"][i]["content"][0]["type"], "input_text");
    EXPECT_EQ(all["data"][i]["content"][0]["text"], std::to_string(i));
  }
  const Json two = page("limit=2");
  EXPECT_EQ(two["data"][0], all["data"][4]);
  EXPECT_EQ(two["has_more"], true);
  const Json rest = page("limit=3&after=" + two["last_id"].get<std::string>());
  EXPECT_EQ(rest["data"][0], all["data"][2]);
  EXPECT_EQ(rest["data"][2], all["data"][0]);
  EXPECT_EQ(rest["has_more"], false);
  for (const char* const query : {"limit=0", "limit=x", "limit=101", "order=up", "after=none"}) {
    EXPECT_FALSE(stored_input_items(*stored_, "anna", id, query).has_value()) << query;
  }
}

TEST_F(StoredConversation, IsShownAndDeleted) {
  const std::string id = answer({{"input", "one"}}, "1", kFirst);
  const Json response = Json::parse(*stored_response_body(*stored_, "anna", id, "include[]=x"));
  EXPECT_EQ(response["id"], id);
  EXPECT_EQ(response["status"], "completed");
  EXPECT_FALSE(stored_response_body(*stored_, "anna", id, "stream=true").has_value());
  EXPECT_EQ(Json::parse(*delete_stored_response(*stored_, "anna", id))["deleted"], true);
  const auto gone = stored_response_body(*stored_, "anna", id, "");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().kind, ApiErrorKind::kNotFound);
}

}  // namespace
}  // namespace jevons
