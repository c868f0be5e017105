#include "app/term/table.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "app/quantity.h"
#include "app/term/terminal.h"

namespace jevons {
namespace {

TEST(TextTable, AlignsColumns) {
  TextTable table({"name", ">count", "note"});
  table.add_row({"a", "1", "x"});
  table.add_row({"longer", "1000", ""});
  EXPECT_EQ(table.render(80),
            "name    count  note\n"
            "a           1  x\n"
            "longer   1000\n");
}

TEST(TextTable, CutsTheWidestTextAndNeverANumber) {
  use_utf8_locale();
  TextTable table({"name", ">number", "note"});
  table.add_row({"日本語日本語日本語日本語", "123456789", "short"});
  std::istringstream lines(table.render(30));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 30) << line;
  EXPECT_NE(table.render(30).find("123456789"), std::string::npos);
  EXPECT_NE(table.render(30).find("日本"), std::string::npos);
  // Too narrow for anything: it gives up on fitting, not on the numbers.
  EXPECT_NE(table.render(5).find("123456789"), std::string::npos);
}

TEST(Quantity, ThreeDigitsAndAUnit) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.00 kB");
  EXPECT_EQ(bytes_text(253952), "254 kB");
  EXPECT_EQ(bytes_text(999'600), "1.00 MB");
  EXPECT_EQ(bytes_text(24'200'000), "24.2 MB");
  EXPECT_EQ(bytes_text(138.9e9), "139 GB");
  EXPECT_EQ(count_text(9999), "9999");
  EXPECT_EQ(count_text(228'689'764'864), "229 B");
  EXPECT_EQ(count_text(10.42e9), "10.4 B");
  EXPECT_EQ(count_text(20e6), "20.0 M");
}

}  // namespace
}  // namespace jevons
