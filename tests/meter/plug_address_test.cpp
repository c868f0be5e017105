#include "meter/plug_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter/sensor_search.h"

namespace jevons {
namespace {

using testing::HasSubstr;

PlugAddress parsed(const std::string& text, const std::string& pointer = "",
                   const std::string& unit = "") {
  const auto address = parse_plug_address(text, pointer, unit);
  EXPECT_TRUE(address) << address.error().message;
  return address.value_or(PlugAddress{});
}
std::string problem(const std::string& text, const std::string& pointer = "",
                    const std::string& unit = "") {
  const auto address = parse_plug_address(text, pointer, unit);
  EXPECT_FALSE(address) << text;
  return address ? "" : address.error().message;
}

TEST(PlugAddress, PresetsFillInWhatPlugsHaveInCommon) {
  const PlugAddress shelly = parsed("shelly:192.168.1.20");
  EXPECT_EQ(shelly.url, "http://192.168.1.20/rpc/Switch.GetStatus?id=0");
  EXPECT_EQ(shelly.pointer, "/apower");
  EXPECT_EQ(shelly.name, "shelly");
  EXPECT_EQ(parsed("shelly1:plug.local").url, "http://plug.local/meter/0");
  EXPECT_EQ(parsed("tasmota:10.0.0.9:8080").url, "http://10.0.0.9:8080/cm?cmnd=Status%2010");
  const PlugAddress home = parsed("homeassistant:http://ha.local:8123/sensor.desk_power");
  EXPECT_EQ(home.url, "http://ha.local:8123/api/states/sensor.desk_power");
  EXPECT_EQ(home.pointer, "/state");
  EXPECT_EQ(parsed("shelly:a", "/aenergy/total", "Wh").unit, EnergyUnit::kWh);
  EXPECT_EQ(parsed("https://x/y", "/a/0/b").url, "https://x/y");
  const PlugAddress secret = parsed("http://me:pass@plug/y@z", "/a");
  EXPECT_EQ(secret.url, "http://me:pass@plug/y@z");
  EXPECT_EQ(secret.place, "http://plug/y@z");
  EXPECT_EQ(parsed("http://plug/y@z", "/a").place, "http://plug/y@z");
}

TEST(PlugAddress, KeepsSecretsOutOfWhatIsShown) {
  const std::pair<const char*, const char*> cases[] = {
      {"http://me:secret@host/x", "http://host/x"},
      {"http://me:secret@host/x?user=a&password=secret", "http://host/x"},
      {"http://host?password=secret", "http://host"},
      {"http://me:sec/ret@host/x", "http://host/x"},
      {"http://me:sec?ret@host/x", "http://host/x"},
      {"htp://me:secret@host/x", "htp://host/x"},
      {"shelly:me:secret@host", "shelly:host"},
      {"homeassistant:http://me:secret@ha/sensor.x", "homeassistant:http://ha/sensor.x"},
      {"hwmon:chip", "hwmon:chip"},
      {"rapl", "rapl"}};
  for (const auto& [source, shown] : cases) EXPECT_EQ(without_secrets(source), shown);
  EXPECT_EQ(parsed("http://h/x?password=secret", "/a").place, "http://h/x");
  for (const char* source : {"http://me:secret@host/x", "shelly:me:secret@host/x",
                             "homeassistant:me:secret@host", "shelly:me:secret@host/x?p=secret"}) {
    EXPECT_THAT(problem(source), testing::Not(HasSubstr("secret"))) << source;
    const auto found = find_sensors({.source = source});
    ASSERT_FALSE(found) << source;
    EXPECT_THAT(found.error().message, testing::Not(HasSubstr("secret"))) << source;
  }
}

TEST(PlugAddress, SaysWhatIsMissing) {
  EXPECT_THAT(problem("shelly:"), HasSubstr("shelly:HOST"));
  EXPECT_THAT(problem("shelly:http://a/b"), HasSubstr("shelly:HOST"));
  EXPECT_THAT(problem("homeassistant:ha.local"), HasSubstr("homeassistant:URL/ENTITY"));
  EXPECT_THAT(problem("homeassistant:http://ha.local"), HasSubstr("homeassistant:URL/ENTITY"));
  EXPECT_THAT(problem("http://x/y"), HasSubstr("needs a JSON pointer"));
  EXPECT_THAT(problem("http://x/y", "apower"), HasSubstr("must begin with a slash"));
  EXPECT_THAT(problem("http://x/y", "/a~2"), HasSubstr("no JSON pointer"));
  EXPECT_THAT(problem("http://x/y", "/a", "w"), HasSubstr("must be W, kW, Wh, kWh or J"));
  EXPECT_TRUE(is_plug_address("tasmota:x"));
  EXPECT_FALSE(is_plug_address("tasmotas:x"));
  EXPECT_FALSE(is_plug_address("rapl"));
}

double value_of(const char* unit, const char* body, const char* pointer = "/v") {
  const auto reading = read_plug_answer(parsed("http://x/y", pointer, unit), body);
  EXPECT_TRUE(reading) << reading.error().message;
  return reading ? reading->value : -1;
}
std::string lie(const char* unit, const char* body, const char* pointer = "/v") {
  const auto reading = read_plug_answer(parsed("http://x/y", pointer, unit), body);
  EXPECT_FALSE(reading) << body;
  return reading ? "" : reading.error().message;
}

TEST(PlugAnswer, IsReadInItsUnit) {
  EXPECT_EQ(value_of("W", R"({"v": 81.5})"), 81.5);
  EXPECT_EQ(value_of("kW", R"({"v": 0.0815})"), 81.5);
  EXPECT_EQ(value_of("Wh", R"({"v": 2})"), 7200);
  EXPECT_EQ(value_of("kWh", R"({"v": 0.001})"), 3600);
  EXPECT_EQ(value_of("J", R"({"v": 5})"), 5);
  EXPECT_EQ(value_of("W", R"({"a": [{"b/c": "81.5"}]})", "/a/0/b~1c"), 81.5);
  EXPECT_EQ(value_of("W", R"({"StatusSNS": {"ENERGY": {"Power": 12}}})", "/StatusSNS/ENERGY/Power"),
            12);
}

TEST(PlugAnswer, LiesAreRefused) {
  EXPECT_THAT(lie("W", R"({"v": -5})"), HasSubstr("says -5 W"));
  EXPECT_THAT(lie("W", R"({"v": 1e300})"), HasSubstr("a machine takes between 0 and 20000"));
  EXPECT_THAT(lie("W", R"({"v": "nan"})"), HasSubstr("says nan W"));
  EXPECT_THAT(lie("kWh", R"({"v": -1})"), HasSubstr("must say a finite number, 0 or more"));
  EXPECT_THAT(lie("W", R"({"v": "unavailable"})"), HasSubstr("must have a number"));
  EXPECT_THAT(lie("W", R"({"v": null})"), HasSubstr("must have a number"));
  EXPECT_THAT(lie("W", R"({"w": 1})"), HasSubstr("has nothing at /v"));
  EXPECT_THAT(lie("W", "[1, 2]"), HasSubstr("has nothing at /v"));
  EXPECT_THAT(lie("W", "<html>Log in</html>"), HasSubstr("not JSON: '<html>Log in"));
  EXPECT_THAT(lie("W", ""), HasSubstr("not JSON"));
  EXPECT_THAT(lie("W", "{\"v\": 1"), HasSubstr("not JSON"));
  EXPECT_THAT(lie("kWh", R"({"v": 1e308})"), HasSubstr("a finite number"));
  // As deep as an answer may be long.
  const std::string brackets(30'000, '[');
  const std::string nested = "{\"v\": " + brackets + std::string(brackets.size(), ']') + "}";
  EXPECT_THAT(lie("W", nested.c_str()), HasSubstr("has array at /v"));
}

}  // namespace
}  // namespace jevons
