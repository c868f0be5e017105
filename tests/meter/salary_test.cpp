#include "meter/salary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "meter/price_share.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Amount amount(const std::string& text) { return Amount::parse(text).value(); }

ListPrice price(const std::string& input, const std::string& cached, const std::string& output) {
  return {amount(input), amount(cached), amount(output), {}};
}

Workload work(const std::string& rate, const std::string& hours = "24",
              const std::string& ratio = "0", const std::string& share = "0") {
  return {amount(rate), amount(hours), amount(ratio), amount(share)};
}

OwnMachine machine() {
  const auto known = [](const std::string& value) { return KnownFigure{amount(value), "test"}; };
  OwnMachine own;
  own.tokens_per_second = known("30");
  own.prompt_tokens_per_second = known("600");
  own.watts = known("120");
  own.kwh_price = known("0.32");
  own.hardware_price = known("2400");
  own.life_years = known("5");
  return own;
}

TEST(Salary, TheThreeReferencesComeOutToTheDollar) {
  const PriceBook book = PriceBook::shipped();
  const auto year = [&](const char* id, const char* rate) {
    return hosted_cost(book.find(id)->price(), year_tokens(work(rate))).value();
  };
  EXPECT_EQ(year("minimax-m2.5", "50"), amount("1892.16"));
  EXPECT_EQ(year("minimax-m2.5", "50").text(0), "1,892");
  EXPECT_EQ(year("minimax-m2.5-lightning", "100"), amount("7568.64"));
  EXPECT_EQ(year("minimax-m2.5-lightning", "100").text(0), "7,569");
  EXPECT_EQ(year("claude-opus-4.6", "50"), amount("39420"));
}

TEST(Salary, OutputOfM25IsFourPointEightPerCentOfOpus) {
  const PriceBook book = PriceBook::shipped();
  const PriceShare share =
      price_share(*book.find("minimax-m2.5"), *book.find("claude-opus-4.6"), amount("0.03"));
  EXPECT_EQ(share.share, amount("0.048"));
  EXPECT_EQ(share.needed, amount("0.75"));
  EXPECT_EQ(share.needed_other, amount("40"));
  ASSERT_EQ(share.matches.size(), 1U);
  EXPECT_EQ(share.matches[0].kind, "input");
  EXPECT_EQ(share.matches[0].price, amount("0.15"));
  EXPECT_EQ(share.matches[0].other_price, amount("5"));
  EXPECT_THAT(share.matches[0].source.name, HasSubstr("launch post"));
}

// Figures of an independent calculation by hand, in the comments.
TEST(Salary, CountsWhatIsReadAndWhatIsCached) {
  const YearTokens tokens = year_tokens(work("50", "8", "10", "0.75"));
  EXPECT_EQ(tokens.output, amount("525.6"));  // 50 * 28,800 * 365
  EXPECT_EQ(tokens.cached, Amount(3942));     // * 10 * 3/4
  EXPECT_EQ(tokens.input, Amount(1314));      // * 10 * 1/4
  const auto cost = hosted_cost(price("0.30", "0.03", "1.20"), tokens);
  EXPECT_EQ(cost, amount("1143.18"));  // 630.72 + 394.20 + 118.26
  ListPrice no_cache = price("0.30", "0", "1.20");
  no_cache.cached = std::nullopt;
  EXPECT_EQ(hosted_cost(no_cache, tokens), amount("2207.52"));  // 630.72 + 5256 * 0.30
  ListPrice output_alone = no_cache;
  output_alone.input = std::nullopt;
  EXPECT_EQ(hosted_cost(output_alone, tokens), std::nullopt);
  EXPECT_EQ(hosted_cost(output_alone, year_tokens(work("50", "8"))), amount("630.72"));
}

// Three products are rounded to a millionth each, and so is a multiple of them.
bool is_about(Amount a, Amount b) {
  const Amount off = a < b ? b - a : a - b;
  return off <= Amount::of_micro(8);
}

TEST(Salary, CostIsLinearInRateHoursAndPrice) {
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    const auto pick = [&](int low, int high) {
      return Amount(std::uniform_int_distribution<int>(low, high)(random));
    };
    Workload one = {pick(1, 500), pick(1, 8), pick(0, 40), pick(0, 100) / 100};
    const ListPrice list = {pick(0, 500) / 100, pick(0, 50) / 100, pick(0, 3000) / 100, {}};
    const Amount cost = hosted_cost(list, year_tokens(one)).value();
    Workload faster = one, longer = one;
    faster.tokens_per_second = one.tokens_per_second * 3;
    longer.hours_per_day = one.hours_per_day * 3;
    EXPECT_TRUE(is_about(hosted_cost(list, year_tokens(faster)).value(), cost * 3));
    EXPECT_TRUE(is_about(hosted_cost(list, year_tokens(longer)).value(), cost * 3));
    const ListPrice dearer = {*list.input * 2, *list.cached * 2, list.output * 2, {}};
    EXPECT_TRUE(is_about(hosted_cost(dearer, year_tokens(one)).value(), cost * 2));
    // All that is read is either cached or not.
    const YearTokens tokens = year_tokens(one);
    EXPECT_EQ(tokens.input + tokens.cached, tokens.output * one.input_ratio);
    // More from the cache never costs more where the cache is cheaper.
    if (*list.cached <= *list.input) {
      Workload cached = one;
      cached.cache_share = 1;
      EXPECT_LE(hosted_cost(list, year_tokens(cached)).value(), cost);
    }
  }
}

TEST(Salary, AMachineCostsItsEnergyAndItsWear) {
  const MachineYear year = machine_year(machine(), work("30"));
  EXPECT_THAT(year.missing, IsEmpty());
  EXPECT_EQ(year.n_machines, 1);
  EXPECT_EQ(year.busy_hours, Amount(8760));
  EXPECT_EQ(year.kwh, amount("1051.2"));           // 120 W * 8760 h
  EXPECT_EQ(year.energy_cost, amount("336.384"));  // * 0.32
  EXPECT_EQ(year.hardware_cost, Amount(480));      // 2400 / 5
  EXPECT_EQ(year.cost, amount("816.384"));
  EXPECT_EQ(year.cost_per_million, amount("0.862912"));  // 816.384 / 946.08
}

TEST(Salary, AFasterAgentTakesMoreMachines) {
  EXPECT_EQ(machine_year(machine(), work("30.1")).n_machines, 2);
  EXPECT_EQ(machine_year(machine(), work("90")).n_machines, 3);
  EXPECT_EQ(machine_year(machine(), work("90.1")).n_machines, 4);
  EXPECT_EQ(machine_year(machine(), work("0.5")).n_machines, 1);
  // Reading 20 tokens for each takes as long as writing it: 20/600 = 1/30.
  EXPECT_EQ(machine_year(machine(), work("30", "24", "20")).n_machines, 2);
  EXPECT_EQ(machine_year(machine(), work("30", "24", "20", "1")).n_machines, 1);
  EXPECT_EQ(fastest_rate(machine(), work("1", "24", "20")), Amount(15));
  EXPECT_EQ(fastest_rate(machine(), work("1")), Amount(30));
  // Eight hours a day of full speed are one machine, too.
  EXPECT_EQ(machine_year(machine(), work("30", "8")).n_machines, 1);
  EXPECT_EQ(machine_year(machine(), work("30", "8")).busy_hours, Amount(2920));
}

TEST(Salary, IdleHoursCountIfTheyAreStated) {
  OwnMachine own = machine();
  own.idle_watts = KnownFigure{Amount(20), "test"};
  // 2,920 h at 120 W and 5,840 h at 20 W.
  EXPECT_EQ(machine_year(own, work("30", "8")).kwh, amount("467.2"));
  EXPECT_EQ(machine_year(own, work("30")).kwh, amount("1051.2"));
  // Two machines, of which half the time of both is idle.
  EXPECT_EQ(machine_year(own, work("60", "12")).kwh, amount("1226.4"));
}

TEST(Salary, WhatIsNotKnownIsNamedAndNotGuessed) {
  const MachineYear none = machine_year({}, work("50"));
  EXPECT_THAT(none.missing, ElementsAre("--speed or --bench", "--watts", "--tariff",
                                        "--hardware-price", "--life"));
  EXPECT_FALSE(none.n_machines || none.kwh || none.energy_cost || none.cost || none.hardware_cost);

  OwnMachine own = machine();
  own.hardware_price.reset();
  const MachineYear energy = machine_year(own, work("30"));
  EXPECT_THAT(energy.missing, ElementsAre("--hardware-price"));
  EXPECT_EQ(energy.cost, energy.energy_cost);
  EXPECT_FALSE(energy.hardware_cost.has_value());

  own = machine();
  own.prompt_tokens_per_second.reset();
  EXPECT_THAT(machine_year(own, work("30")).missing, IsEmpty()) << "it reads nothing";
  const MachineYear reading = machine_year(own, work("30", "24", "3"));
  EXPECT_THAT(reading.missing, ElementsAre("--prompt-speed or --bench"));
  EXPECT_FALSE(reading.cost.has_value());
  EXPECT_EQ(fastest_rate(own, work("30", "24", "3")), std::nullopt);
}

TEST(Salary, TheLargestAllowedInputsDoNotOverflow) {
  const Workload most = {kMostTokensPerSecond, 24, kMostInputRatio, 0};
  const ListPrice dear = {Amount(1'000'000), Amount(1'000'000), Amount(1'000'000), {}};
  EXPECT_GT(hosted_cost(dear, year_tokens(most)).value(), Amount(0));
  const KnownFigure slow{amount("0.01"), "test"}, much{Amount(1'000'000), "test"};
  OwnMachine own;
  own.tokens_per_second = own.prompt_tokens_per_second = slow;
  own.watts = own.idle_watts = own.kwh_price = much;
  own.hardware_price = KnownFigure{Amount(999'999'999), "test"};
  own.life_years = slow;
  EXPECT_GT(machine_year(own, most).cost.value(), Amount(0));
}

}  // namespace
}  // namespace jevons
