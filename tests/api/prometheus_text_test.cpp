#include "api/prometheus_text.h"

#include <gtest/gtest.h>

#include "api/server_metrics.h"
#include "prometheus_parser.h"

namespace jevons {
namespace {

constexpr double kBounds[] = {0.1, 1, 10};

TEST(Histogram, CountsUpToAndWithEachBound) {
  Histogram histogram(kBounds);
  for (const double value : {0.05, 0.1, 0.5, 1.0, 10.0, 11.0}) histogram.observe(value);
  EXPECT_EQ(std::vector(histogram.counts().begin(), histogram.counts().end()),
            (std::vector<std::uint64_t>{2, 2, 1, 1}));
  EXPECT_DOUBLE_EQ(histogram.sum(), 22.65);
}

TEST(PrometheusText, WritesWhatAParserReads) {
  PrometheusText out;
  out.counter("a_total", "help of a", 12345678901.0);
  out.family("b", "gauge", "help of b");
  out.sample(0.5, {{"path", "/x\"y\\z\n"}, {"code", "200"}});
  Histogram histogram(kBounds);
  histogram.observe(0.5);
  histogram.observe(50);
  out.family("c", "histogram", "help of c");
  out.histogram(histogram);
  const std::string text = out.take();
  const auto samples = parse_prometheus(text);
  EXPECT_EQ(samples.at("a_total"), 12345678901.0);
  EXPECT_EQ(samples.at("b{path=\"/x\\\"y\\\\z\\n\",code=\"200\"}"), 0.5);
  EXPECT_EQ(samples.at("c_bucket{le=\"0.1\"}"), 0);
  EXPECT_EQ(samples.at("c_bucket{le=\"1\"}"), 1);
  EXPECT_EQ(samples.at("c_bucket{le=\"+Inf\"}"), 2);
  EXPECT_EQ(samples.at("c_count"), 2);
  EXPECT_EQ(samples.at("c_sum"), 50.5);
}

TEST(ServerMetrics, CountsRequestsAndTimes) {
  ServerMetrics metrics;
  RequestRecord record;
  record.is_generation = true;
  record.first_token_ms = 300;
  record.token_gaps_ms = {20, 30};
  metrics.count("/v1/messages", 200, 1.5, record);
  metrics.count("/v1/messages", 429, 0.1, {});
  EngineStatus status{};
  status.n_generated_tokens = 7;
  status.n_drafted_tokens = 6;
  status.n_accepted_drafts = 5;
  const auto samples = parse_prometheus(metrics.text({}, &status, 3));
  EXPECT_EQ(samples.at("jevons_http_requests_total{path=\"/v1/messages\",code=\"200\"}"), 1);
  EXPECT_EQ(samples.at("jevons_http_requests_total{path=\"/v1/messages\",code=\"429\"}"), 1);
  EXPECT_EQ(samples.at("jevons_inter_token_seconds_count"), 2);
  EXPECT_EQ(samples.at("jevons_time_to_first_token_seconds_bucket{le=\"0.5\"}"), 1);
  EXPECT_EQ(samples.at("jevons_generated_tokens_total"), 7);
  EXPECT_EQ(samples.at("jevons_drafted_tokens_total"), 6);
  EXPECT_EQ(samples.at("jevons_accepted_drafts_total"), 5);
  EXPECT_EQ(samples.at("jevons_http_requests_running"), 3);
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 0);
  EXPECT_GT(samples.at("process_open_fds"), 0);
  EXPECT_EQ(parse_prometheus(metrics.text({}, nullptr, 0)).at("jevons_model_loaded"), 0);
}

}  // namespace
}  // namespace jevons
