// A plug over HTTP: one that answers, one that lies, one that is slow or gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "meter/plug_sensor.h"
#include "meter/polled_sensor.h"
#include "plug_stand_in.h"

namespace jevons {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

std::unique_ptr<EnergySensor> sensor_of(const PlugStandIn& plug, const std::string& token = "",
                                        const PlugTimes& times = {milliseconds(25),
                                                                  milliseconds(300)}) {
  auto address = parse_plug_address(plug.url(), "/apower", "W");
  EXPECT_TRUE(address);
  address->token = token;
  auto sensor = open_plug(*address, times);
  EXPECT_TRUE(sensor);
  return *std::move(sensor);
}

TEST(Plug, Answers) {
  PlugStandIn plug;
  plug.answer(R"({"id": 0, "apower": 92.25, "aenergy": {"total": 7}})");
  const auto sensor = sensor_of(plug, "the-token");
  const auto reading = sensor->read();
  ASSERT_TRUE(reading) << reading.error().message;
  EXPECT_EQ(reading->value, 92.25);
  EXPECT_THAT(plug.last_request(), AllOf(HasSubstr("GET /power HTTP/1.1"),
                                         HasSubstr("Authorization: Bearer the-token")));
  EXPECT_EQ(sensor->facts().coverage, EnergyCoverage::kHost);
}

TEST(Plug, EveryMistakeIsSaid) {
  PlugStandIn plug;
  const auto sensor = sensor_of(plug);
  plug.answer("not json");
  EXPECT_THAT(sensor->read().error().message, HasSubstr("not JSON"));
  plug.answer("{}", "401 Unauthorized");
  EXPECT_THAT(sensor->read().error().message,
              AllOf(HasSubstr("status 401"), HasSubstr("--energy-token")));
  plug.answer("{}", "302 Found");
  EXPECT_THAT(sensor->read().error().message, HasSubstr("status 302"));
  plug.answer("{\"apower\": " + std::string(70'000, ' ') + "1}");
  EXPECT_THAT(sensor->read().error().message, HasSubstr("more than 65536 bytes"));
  plug.answer(R"({"apower": 5})", "200 OK", milliseconds(2000));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(sensor->read().error().message, HasSubstr("Timeout"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1800));
}

TEST(Plug, GoneIsAnError) {
  PlugAddress address;
  {
    const PlugStandIn plug;
    address = *parse_plug_address(plug.url(), "/apower", "W");
  }
  EXPECT_THAT((*open_plug(address))->read().error().message, HasSubstr("connect"));
}

TEST(Plug, EnergyThatFallsIsAnError) {
  PlugStandIn plug;
  auto address = parse_plug_address(plug.url(), "/total", "Wh");
  const auto sensor = *open_plug(*address);
  plug.answer(R"({"total": 10})");
  EXPECT_EQ(sensor->read()->value, 36000);
  plug.answer(R"({"total": 1})");
  EXPECT_THAT(sensor->read().error().message, HasSubstr("fell from 36000 to 3600"));
  plug.answer(R"({"total": 2})");
  EXPECT_EQ(sensor->read()->value, 7200);
}

// Whoever reads does not wait for the plug, and a question that fails now and then does not count.
TEST(Plug, IsPolledByAThreadOfItsOwn) {
  PlugStandIn plug;
  plug.answer(R"({"apower": 50})");
  const auto sensor = polled(sensor_of(plug));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!sensor->read() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(2));
  }
  ASSERT_TRUE(sensor->read());
  EXPECT_EQ(sensor->read()->value, 50);
  plug.answer("busy", "503 Service Unavailable", milliseconds(250));
  const int n = plug.n_requests();
  while (plug.n_requests() < n + 2 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(2));
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(sensor->read()->value, 50);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(100));
}

TEST(Plug, SaysWhyThereIsNoReadingYet) {
  PlugStandIn plug;
  plug.answer("", "500 Internal Server Error");
  const auto sensor = polled(sensor_of(plug));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string problem;
  while (problem.find("500") == std::string::npos && std::chrono::steady_clock::now() < end) {
    problem = sensor->read().error().message;
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_THAT(problem, HasSubstr("status 500"));
}

}  // namespace
}  // namespace jevons
