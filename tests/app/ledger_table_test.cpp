// Reports of the ledger, word for word.
#include "app/ledger_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "app/answer_report.h"

namespace jevons {
namespace {

using testing::HasSubstr;

ReportLine line(const std::string& name, std::uint64_t n, double joules, double cost) {
  ReportLine made;
  made.name = name;
  made.n_requests = n;
  made.tokens_in = 12345;
  made.tokens_cached = 2345;
  made.tokens_out = 678;
  made.read_seconds = 30;
  made.write_seconds = 60;
  made.n_measured = n;
  made.microjoules = std::llround(joules * kMicroPerJoule);
  made.marginal_microjoules = made.microjoules / 2;
  made.n_priced = n;
  made.nano_costs["EUR"] = std::llround(cost * kNanoPerUnit);
  return made;
}

TEST(LedgerTable, ShowsLinesAndTheirSum) {
  const ReportLine lines[] = {line("laptop", 3, 7200, 0.25), line("", 1, 3.6e6 * 2, 12)};
  EXPECT_EQ(ledger_table(lines, {ReportBy::kKey, "2026-01-05"}, 100),
            "Requests since 2026-01-05. in, cached, out: tokens; time: reading and writing.\n\n"
            "key     requests      in  cached   out   time    energy        cost\n"
            "laptop         3  12.3 k    2345   678   90 s   2.00 Wh  0.2500 EUR\n"
            "(none)         1  12.3 k    2345   678   90 s  2.00 kWh   12.00 EUR\n"
            "all            4  24.7 k    4690  1356  3 min  2.00 kWh   12.25 EUR\n");
}

TEST(LedgerTable, FitsEightyColumns) {
  std::vector<ReportLine> lines;
  for (const char* name :
       {"a program with a name that goes on and on/1.2.3 (some, details)", "b"}) {
    lines.push_back(line(name, 123'456'789, 3.6e6 * 4321, 98765.4));
    lines.back().nano_costs["USD"] = 1'000'000'000;
  }
  std::istringstream text(ledger_table(lines, {ReportBy::kClient, ""}, 200));
  std::string one;
  int n_wide = 0;
  while (std::getline(text, one)) n_wide += one.size() > 80 + 15 ? 1 : 0;
  EXPECT_EQ(n_wide, 0);
}

TEST(LedgerTable, SaysWhatIsNotKnown) {
  ReportLine blind = line("a", 5, 0, 0);
  blind.n_measured = 2;
  blind.n_priced = 1;
  const ReportLine lines[] = {blind};
  EXPECT_THAT(ledger_table(lines, {ReportBy::kKey, ""}, 80),
              testing::AllOf(HasSubstr("Requests ever."),
                             HasSubstr("The energy of 3 of 5 requests is not known"),
                             HasSubstr("The cost of 1 requests is not known")));
  blind.n_measured = 0;
  blind.nano_costs.clear();
  const ReportLine none[] = {blind};
  EXPECT_THAT(ledger_table(none, {}, 80), HasSubstr(" -     -\n"));
  EXPECT_EQ(ledger_table({}, {ReportBy::kDay, "12h ago"}, 80), "no requests since 12h ago\n");
}

TEST(LedgerTable, CsvQuotesWhatItMust) {
  ReportLine odd = line("a, \"b\"", 1, 10, 0.5);
  odd.nano_costs["USD"] = 2'000'000'000;
  ReportLine free = line("c", 1, 0, 0);
  free.nano_costs.clear();
  const ReportLine lines[] = {odd, free};
  EXPECT_EQ(ledger_csv(lines, {ReportBy::kClient, ""}),
            "client,requests,tokens_in,tokens_cached,tokens_out,queue_seconds,read_seconds,"
            "write_seconds,requests_with_energy,joules,marginal_joules,requests_with_cost,cost,"
            "currency\r\n"
            "\"a, \"\"b\"\"\",1,12345,2345,678,0.000,30.000,60.000,1,10,5,1,0.5,EUR,2,USD\r\n"
            "c,1,12345,2345,678,0.000,30.000,60.000,1,0,0,1,,\r\n");
}

TEST(LedgerTable, CsvHasEveryDigit) {
  ReportLine sum = line("a", 1, 10, 0.5);
  sum.microjoules = 1'234'567'890'123;
  sum.marginal_microjoules = 1;
  sum.nano_costs["EUR"] = -12'345'678'901;
  const ReportLine lines[] = {sum};
  EXPECT_THAT(ledger_csv(lines, {ReportBy::kClient, ""}),
              HasSubstr(",1234567.890123,0.000001,1,-12.345678901,EUR\r\n"));
}

TEST(AnswerReport, SaysWhatAnAnswerTook) {
  Answer answer;
  EXPECT_EQ(energy_line(answer), "");
  answer.energy = EnergyUse{612, 431, 5.44e-5, "shelly", "measured"};
  answer.currency = "EUR";
  EXPECT_EQ(energy_line(answer),
            "energy 612 J (0.17 Wh, 431 J above idle), 5.44e-05 EUR; measured, by shelly");
  answer.energy = EnergyUse{3600, std::nullopt, std::nullopt, "stated", "stated"};
  EXPECT_EQ(energy_line(answer), "energy 3.6e+03 J (1 Wh); stated");
}

}  // namespace
}  // namespace jevons
