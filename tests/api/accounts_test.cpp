// Energy in the responses of every dialect, the ledger's rows, and budgets, on the whole server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "api/engine_work.h"
#include "meter/ledger_report.h"
#include "prometheus_parser.h"
#include "raw_client.h"
#include "running_server.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr double kWatts = 250;

struct DialectCase {
  const char* path;
  std::string body;
};
const DialectCase kDialects[] = {
    {"/v1/chat/completions",
     R"({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]})"},
    {"/v1/completions", R"({"model": "m", "max_tokens": 5, "prompt": "one two"})"},
    {"/v1/responses", R"({"model": "m", "max_output_tokens": 5, "input": "hi"})"},
    {"/v1/messages",
     R"({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]})"},
};

std::string streamed(std::string body) {
  body.insert(1, R"("stream": true, "stream_options": {"include_usage": true}, )");
  return body;
}

// Of a response or of any event of a stream: the last object called jevons.
Json jevons_of(const RawReply& reply) {
  const std::function<Json(const Json&)> find = [&](const Json& json) -> Json {
    if (json.is_object() && json.contains("jevons")) return json.at("jevons");
    Json found;
    if (json.is_structured()) {
      for (const Json& child : json) {
        if (Json inner = find(child); !inner.is_null()) found = std::move(inner);
      }
    }
    return found;
  };
  if (const Json whole = Json::parse(reply.body, nullptr, false); !whole.is_discarded()) {
    return find(whole);
  }
  Json found;
  std::istringstream lines(reply.body);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with("data: {")) continue;
    if (Json inner = find(Json::parse(line.substr(6))); !inner.is_null()) found = inner;
  }
  return found;
}

class AccountsTest : public testing::Test {
 protected:
  BookkeeperOptions book_options() const {
    BookkeeperOptions made;
    made.stated_watts = kWatts;
    made.tariff = "0.36";
    made.currency = "EUR";
    made.ledger = ledger_path_;
    return made;
  }
  std::unique_ptr<ApiServer> serve(BookkeeperOptions books, const std::string& keys = "") {
    auto opened = Bookkeeper::open(std::move(books));
    EXPECT_TRUE(opened) << opened.error().message;
    books_ = *std::move(opened);
    ApiServerOptions options = quick_options();
    options.books = books_;
    if (!keys.empty()) options.keys = keys_of(keys);
    return running_server(std::move(options));
  }
  ApiKeys keys_of(const std::string& toml) const {
    std::ofstream(folder_ / "keys.toml") << toml;
    auto keys = ApiKeys::read(folder_ / "keys.toml");
    EXPECT_TRUE(keys) << keys.error().message;
    return *std::move(keys);
  }
  // Once so many requests are in the books: a client has its answer a moment earlier.
  std::vector<ReportLine> report(ReportBy by, std::uint64_t n_requests = 1) {
    wait_until([&] {
      const RequestSums sums = books_->status().requests;
      return sums.n_measured + sums.n_unmeasured >= n_requests;
    });
    books_->flush();
    auto file = LedgerFile::open_to_read(ledger_path_);
    EXPECT_TRUE(file) << file.error().message;
    auto lines = ledger_report(*file, by, {}, TimeZone::local());
    EXPECT_TRUE(lines);
    return *std::move(lines);
  }

  ScratchFolder folder_;
  std::string ledger_path_ = folder_ / "ledger.db";
  std::shared_ptr<Bookkeeper> books_;
};

TEST_F(AccountsTest, EveryDialectSaysWhatItTook) {
  const auto server = serve(book_options());
  for (const DialectCase& dialect : kDialects) {
    for (const bool streams : {false, true}) {
      const RawReply reply = ask(server->port(), "POST", dialect.path,
                                 streams ? streamed(dialect.body) : dialect.body);
      ASSERT_EQ(reply.status, 200) << dialect.path << reply.body;
      const Json jevons = jevons_of(reply);
      ASSERT_TRUE(jevons.contains("energy")) << dialect.path << " " << reply.body;
      const Json& energy = jevons.at("energy");
      const double joules = energy.at("joules");
      EXPECT_GT(joules, 0);
      EXPECT_NEAR(energy.at("watt_hours"), joules / 3600, 1e-5 * joules);
      EXPECT_NEAR(energy.at("cost"), joules * 1e-7, 1e-12);
      EXPECT_EQ(energy.at("currency"), "EUR");
      EXPECT_EQ(energy.at("source"), "stated");
      EXPECT_EQ(energy.at("confidence"), "stated");
      // At most what the machine takes while the request was there.
      const double ms =
          jevons.at("prompt_ms").get<double>() + jevons.at("generation_ms").get<double>();
      EXPECT_LE(joules, kWatts * (ms + 5) / 1000) << dialect.path;
    }
  }
  const auto lines = report(ReportBy::kModel, 8);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines.front().n_requests, 8U);
  EXPECT_EQ(lines.front().n_measured, 8U);
  EXPECT_GT(lines.front().tokens_in, lines.front().tokens_cached);
  EXPECT_GT(lines.front().costs().at("EUR"), 0);
}

TEST_F(AccountsTest, WithoutASourceNothingIsSaid) {
  BookkeeperOptions options;
  options.sensors.source = "off";
  options.ledger = ledger_path_;
  const auto server = serve(std::move(options));
  const RawReply reply = ask(server->port(), "POST", kDialects[0].path, kDialects[0].body);
  ASSERT_EQ(reply.status, 200);
  EXPECT_FALSE(jevons_of(reply).contains("energy"));
  EXPECT_THAT(ask(server->port(), "GET", "/metrics").body, Not(HasSubstr("joules")));
  const auto lines = report(ReportBy::kDay);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines.front().n_requests, 1U);
  EXPECT_EQ(lines.front().n_measured, 0U);
}

TEST_F(AccountsTest, SideBySideTheyAddUpToTheHost) {
  const auto server = serve(book_options());
  std::vector<std::thread> clients;
  std::mutex mutex;
  double joules = 0;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      const std::string body =
          R"({"model": "m", "max_tokens": 60, "messages": [{"role": "user", "content": "count )" +
          std::to_string(i) + R"("}]})";
      const RawReply reply = ask(server->port(), "POST", kDialects[0].path, body);
      ASSERT_EQ(reply.status, 200);
      const std::lock_guard lock(mutex);
      joules += jevons_of(reply).at("energy").at("joules").get<double>();
    });
  }
  for (std::thread& client : clients) client.join();
  const double host = books_->status().energy->host_joules;
  EXPECT_NEAR(joules, host, 0.01 * host);
}

TEST_F(AccountsTest, PagesAndMetricsShowIt) {
  const auto server = serve(book_options());
  ASSERT_EQ(ask(server->port(), "POST", kDialects[0].path, kDialects[0].body).status, 200);
  (void)report(ReportBy::kDay);
  const auto samples = parse_prometheus(ask(server->port(), "GET", "/metrics").body);
  EXPECT_GT(samples.at("jevons_engine_energy_joules_total{source=\"stated\"}"), 0);
  EXPECT_GT(samples.at("jevons_requests_energy_joules_total"), 0);
  EXPECT_GT(samples.at("jevons_requests_cost{currency=\"EUR\"}"), 0);
  EXPECT_EQ(samples.at("jevons_energy_price{currency=\"EUR\"}"), 0.36);
  EXPECT_EQ(samples.at("jevons_requests_accounted_total{energy=\"known\"}"), 1);
  EXPECT_EQ(samples.at("jevons_ledger_ok"), 1);
  EXPECT_EQ(samples.at("jevons_ledger_rows_total"), 1);
  const Json status = Json::parse(ask(server->port(), "GET", "/v1/jevons/status").body);
  EXPECT_EQ(status.at("energy").at("source"), "stated");
  EXPECT_EQ(status.at("tariff").at("price_per_kwh"), 0.36);
  EXPECT_EQ(status.at("ledger").at("status"), "ok");
  EXPECT_EQ(Json::parse(ask(server->port(), "GET", "/health").body).at("ledger"), "ok");
}

TEST_F(AccountsTest, ABrokenLedgerIsSaidAndDoesNotStopAnswers) {
  std::ofstream(ledger_path_) << std::string(5000, 'x');
  const auto server = serve(book_options());
  EXPECT_EQ(ask(server->port(), "POST", kDialects[0].path, kDialects[0].body).status, 200);
  const RawReply health = ask(server->port(), "GET", "/health");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(Json::parse(health.body).at("ledger"), "failing");
  EXPECT_THAT(ask(server->port(), "GET", "/v1/jevons/status").body, HasSubstr("is not a database"));
}

TEST_F(AccountsTest, ClientsThatLeaveAreInTheLedger) {
  const auto server = serve(book_options());
  {
    RawClient client(server->port());
    client.send(http_request("POST", kDialects[0].path,
                             endless_chat("leave", R"(, "stream": true)"),
                             "X-Jevons-Client: the leaver\r\n"));
    (void)client.read_until("reasoning_content");
    client.reset();
  }
  wait_until([&] { return is_idle(*nano_engine()); });
  const auto lines = report(ReportBy::kClient);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines.front().name, "the leaver");
  EXPECT_EQ(lines.front().n_measured, 1U);
  EXPECT_GT(lines.front().tokens_out, 0);
  EXPECT_GT(lines.front().joules(), 0);
}

constexpr const char* kKeys = R"(
[[key]]
name = "small"
key = "the-small-key"
tokens_per_day = 5
[[key]]
name = "large"
key = "the-large-key"
sees_all = true
money_per_day = 1000
watt_hours_per_day = 1000.5
)";

TEST_F(AccountsTest, BudgetsEndWithA429OfEachDialectAndSurviveARestart) {
  {
    const auto server = serve(book_options(), kKeys);
    EXPECT_EQ(ask(server->port(), "POST", kDialects[0].path, kDialects[0].body,
                  "x-api-key: the-small-key\r\n")
                  .status,
              200);
    (void)report(ReportBy::kKey);
    EXPECT_EQ(ask(server->port(), "POST", kDialects[0].path, kDialects[0].body,
                  "x-api-key: the-large-key\r\n")
                  .status,
              200);
    // Counting tokens costs nothing.
    EXPECT_EQ(ask(server->port(), "POST", "/v1/messages/count_tokens", kDialects[3].body,
                  "x-api-key: the-small-key\r\n")
                  .status,
              200);
  }
  books_.reset();
  const auto server = serve(book_options(), kKeys);
  for (const DialectCase& dialect : kDialects) {
    const RawReply reply =
        ask(server->port(), "POST", dialect.path, dialect.body, "x-api-key: the-small-key\r\n");
    EXPECT_EQ(reply.status, 429) << dialect.path;
    const int seconds = std::atoi(reply.header("retry-after").c_str());
    EXPECT_GT(seconds, 0);
    EXPECT_LE(seconds, 25 * 3600);
    const Json error = Json::parse(reply.body).at("error");
    EXPECT_THAT(error.at("message").get<std::string>(),
                AllOf(HasSubstr("'small' may use 5 tokens a day"), HasSubstr("midnight")));
    // OpenAI's shape has it as the code, Anthropic's as the type.
    EXPECT_THAT(error.dump(), HasSubstr("rate_limit"));
  }
  const Json status = Json::parse(
      ask(server->port(), "GET", "/v1/jevons/status", "", "x-api-key: the-small-key\r\n").body);
  EXPECT_EQ(status.at("today").at("tokens_per_day"), 5);
  // A key sees no addresses and paths; one that sees all does.
  EXPECT_FALSE(status.at("energy").contains("of"));
  EXPECT_FALSE(status.at("tariff").contains("of"));
  EXPECT_EQ(status.dump().find(ledger_path_), std::string::npos);
  const Json all = Json::parse(
      ask(server->port(), "GET", "/v1/jevons/status", "", "x-api-key: the-large-key\r\n").body);
  EXPECT_EQ(all.at("ledger").at("path"), ledger_path_);
  EXPECT_TRUE(all.at("energy").contains("of"));
  EXPECT_GE(status.at("today").at("tokens"), 5);
}

TEST_F(AccountsTest, ABudgetThatNothingCountsIsRefused) {
  const auto refused = [&](BookkeeperOptions books) {
    ApiServerOptions options = quick_options();
    options.books = *Bookkeeper::open(std::move(books));
    options.keys = keys_of(kKeys);
    const auto server = ApiServer::start(std::move(options));
    EXPECT_FALSE(server);
    return server ? "" : server.error().message;
  };
  BookkeeperOptions without;
  without.sensors.source = "off";
  without.ledger = ledger_path_;
  EXPECT_THAT(refused(without),
              AllOf(HasSubstr("the key 'large'"), HasSubstr("needs a source of energy")));
  without = book_options();
  without.tariff.clear();
  EXPECT_THAT(refused(without), HasSubstr("--tariff"));
  without = book_options();
  without.ledger.clear();
  EXPECT_THAT(refused(without), AllOf(HasSubstr("the key 'small'"), HasSubstr("--ledger")));
  // Also when the keys are read again.
  BookkeeperOptions off;
  off.sensors.source = "off";
  const auto server = serve(std::move(off));
  const auto taken = server->set_keys(keys_of(kKeys));
  ASSERT_FALSE(taken);
  EXPECT_EQ(ask(server->port(), "GET", "/v1/models").status, 200);
}

TEST(EngineWork, WeighsByOperations) {
  ModelFacts facts{};
  facts.operations_per_token = 20;
  facts.operations_per_logits = 7;
  facts.operations_per_position = 0.5;
  WorkShare share;
  share.n_tokens = 3;
  share.n_logits = 1;
  share.n_positions = 100;
  EXPECT_EQ(operations_of(share, facts), 60 + 7 + 50);
}

TEST(EngineWork, OperationsOfNanoAreThoseOfItsShape) {
  const ModelFacts& facts = nano_engine()->facts();
  // Two for each weight that a token reads but the embedding: more than none, and less than two for
  // each there is.
  EXPECT_GT(facts.operations_per_token, 0);
  EXPECT_LT(facts.operations_per_token + facts.operations_per_logits,
            2.0 * static_cast<double>(facts.n_parameters));
  EXPECT_GT(facts.operations_per_position, 0);
}

}  // namespace
}  // namespace jevons
