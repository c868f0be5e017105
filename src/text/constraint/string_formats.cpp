#include "text/constraint/string_formats.h"

#include <string>
#include <unordered_map>

namespace jevons {
namespace {

// A day that exists: 29 February only in leap years, no year 0.
constexpr std::string_view kYear =
    "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})";
constexpr std::string_view kDayOfAnyYear =
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))";
constexpr std::string_view kLeapYear =
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
constexpr std::string_view kTime =
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?"
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
constexpr std::string_view kEmailWord = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,30}";
constexpr std::string_view kHostLabel = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
constexpr std::string_view kByteNumber = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

using Patterns = std::unordered_map<std::string_view, std::string>;

std::string text(std::string_view part) { return std::string(part); }

Patterns make_patterns() {
  const std::string date =
      "(?:" + text(kYear) + "-" + text(kDayOfAnyYear) + "|" + text(kLeapYear) + "-02-29)";
  const std::string host = text(kHostLabel) + "(?:\\." + text(kHostLabel) + "){0,5}";
  const std::string email = text(kEmailWord) + "(?:\\." + text(kEmailWord) + "){0,2}@" + host;
  const std::string hex = "[0-9A-Fa-f]";
  const std::string uuid = hex + "{8}(?:-" + hex + "{4}){3}-" + hex + "{12}";
  const std::string ipv4 = "(?:" + text(kByteNumber) + "\\.){3}" + text(kByteNumber);
  const std::string amount = "[0-9]{1,9}";
  const std::string duration = "P(?:" + amount + "W|" + amount + "D|" + amount + "Y(?:" + amount +
                               "M(?:" + amount + "D)?)?|" + amount + "M(?:" + amount + "D)?)";
  const auto whole = [](const std::string& pattern) { return "^(?:" + pattern + ")$"; };
  return {{"date", whole(date)},
          {"time", whole(text(kTime))},
          {"date-time", whole(date + "T" + text(kTime))},
          {"uuid", whole(uuid)},
          {"email", whole(email)},
          {"ipv4", whole(ipv4)},
          {"hostname", whole(host)},
          {"duration", whole(duration)}};
}

}  // namespace

std::optional<std::string_view> format_pattern(std::string_view format) {
  static const Patterns kPatterns = make_patterns();
  const auto found = kPatterns.find(format);
  if (found == kPatterns.end()) return std::nullopt;
  return found->second;
}

}  // namespace jevons
