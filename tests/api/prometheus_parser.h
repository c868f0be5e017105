// Reads the text format of Prometheus strictly, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace jevons {

/// Values by name and labels as written. Fails the test on a line that is no sample, on a family
/// without its type, and on a sample that comes twice.
inline std::map<std::string, double> parse_prometheus(const std::string& text) {
  static const std::regex kSample(R"RE(([a-z_]+)(\{([a-z]+="([^"\\]|\\.)*",?)*\})? (\S+))RE");
  std::map<std::string, double> samples;
  std::set<std::string> families;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("# TYPE ")) families.insert(line.substr(7, line.find(' ', 7) - 7));
    if (line.starts_with("# ")) continue;
    std::smatch match;
    if (!std::regex_match(line, match, kSample)) {
      ADD_FAILURE() << "not a sample: " << line;
      continue;
    }
    std::string family = match[1];
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      const std::string stem = family.substr(0, family.rfind(suffix));
      if (family.ends_with(suffix) && families.contains(stem)) family = stem;
    }
    EXPECT_TRUE(families.contains(family)) << line;
    char* end = nullptr;
    const std::string value = match[5];
    const double number = std::strtod(value.c_str(), &end);
    EXPECT_EQ(*end, '\0') << line;
    EXPECT_TRUE(samples.emplace(std::string(match[1]) + std::string(match[2]), number).second)
        << line;
  }
  return samples;
}

}  // namespace jevons
