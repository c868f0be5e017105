#include "meter/model_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter/machine_presets.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

PlannedModel m25(std::string_view mix) {
  return *compute_model("MiniMax-M2.5", m25_config(), *find_mix(mix));
}

PlanRequest on(std::string_view preset) {
  PlanRequest request;
  request.machine = *machine_preset(preset);
  request.device = request.machine.disks.front().device;
  request.scratch_bytes = [](const ModelConfig&, int batch) {
    return static_cast<std::uint64_t>(batch) * 500'000;
  };
  return request;
}

TEST(ModelPlan, WhatFitsStaysInMemory) {
  const ModelPlan plan = plan_model(m25("Q4_K_M"), on("workstation-256gb"));
  EXPECT_EQ(plan.fit, Fit::kInMemory);
  EXPECT_TRUE(plan.runs());
  EXPECT_EQ(plan.context, 32768);
  EXPECT_EQ(plan.streamed_bytes, 0U);
  EXPECT_EQ(plan.resident_experts, 1);
  EXPECT_GT(plan.answer.expected, plan.answer_full.expected);
  EXPECT_EQ(plan.command(on("workstation-256gb")),
            "jevons run -m MiniMax-M2.5-Q4_K_M.gguf -c 32768");
}

TEST(ModelPlan, WhatDoesNotIsReadFromDisk) {
  const PlanRequest request = on("laptop-32gb");
  const ModelPlan plan = plan_model(m25("Q4_K_M"), request);
  EXPECT_EQ(plan.fit, Fit::kStreamed);
  EXPECT_GT(plan.resident_experts, 0.05);
  EXPECT_LT(plan.resident_experts, 0.2);
  EXPECT_EQ(plan.resident_bytes + plan.streamed_bytes,
            plan.model.pinned_bytes() + plan.model.expert_bytes());
  // The embedding is read row by row: 200,064 rows of 3,072 in Q4_K.
  EXPECT_EQ(plan.model.dense_bytes() - plan.model.pinned_bytes(), 200'064ULL * 3072 / 256 * 144);
  // All of it is what the machine has to give.
  const double sum = static_cast<double>(plan.resident_bytes + plan.kv_bytes + plan.scratch_bytes +
                                         request.program_bytes);
  EXPECT_NEAR(sum, static_cast<double>(plan.ram_bytes), 1);
  EXPECT_THAT(plan.command(request), HasSubstr(" --ram "));
  EXPECT_GT(plan.warm_seconds, plan.ready_seconds);
}

TEST(ModelPlan, ALongerContextTakesMemoryFromExperts) {
  PlanRequest request = on("laptop-32gb");
  request.context = 4096;
  const ModelPlan shorter = plan_model(m25("Q2_K"), request);
  request.context = 16384;
  const ModelPlan longer = plan_model(m25("Q2_K"), request);
  EXPECT_GT(longer.kv_bytes, shorter.kv_bytes);
  EXPECT_LT(longer.resident_experts, shorter.resident_experts);
  EXPECT_LT(longer.answer.expected, shorter.answer.expected);
}

TEST(ModelPlan, TheLargestContextIsTheLargest) {
  for (const char* machine : {"laptop-32gb", "desktop-128gb", "workstation-512gb"}) {
    for (const char* mix : {"Q2_K", "Q4_K_M", "Q8_0"}) {
      PlanRequest request = on(machine);
      const ModelPlan plan = plan_model(m25(mix), request);
      ASSERT_NE(plan.fit, Fit::kTooLarge) << machine << mix;
      EXPECT_GE(plan.largest_context_q8_0, plan.largest_context_f16);
      request.context = plan.largest_context_q8_0;
      EXPECT_EQ(plan_model(m25(mix), request).fit, plan.fit) << machine << mix;
      if (plan.largest_context_q8_0 == plan.model.config.context_length) continue;
      request.context = plan.largest_context_q8_0 + 64;
      EXPECT_NE(plan_model(m25(mix), request).fit, plan.fit) << machine << mix;
    }
  }
}

TEST(ModelPlan, AgentsKeepAContextEachAndShareReading) {
  PlanRequest request = on("workstation-256gb");
  request.context = 8192;
  const ModelPlan one = plan_model(m25("Q4_K_M"), request);
  request.n_agents = 8;
  const ModelPlan eight = plan_model(m25("Q4_K_M"), request);
  EXPECT_EQ(eight.kv_bytes, 8ULL * 8192 * 134'912);
  EXPECT_GT(eight.answer.expected, one.answer.expected);
  EXPECT_LT(eight.answer.expected / 8, one.answer.expected);
  EXPECT_THAT(eight.command(request),
              AllOf(HasSubstr("jevons serve"), HasSubstr("--parallel 8 --cache-memory 8432MiB")));
}

TEST(ModelPlan, WhatIsTooLargeSaysWhyAndWhatWouldDo) {
  PlanRequest request = on("laptop-32gb");
  request.ram_bytes = 2ULL << 30;
  const ModelPlan plan = plan_model(m25("Q4_K_M"), request);
  EXPECT_EQ(plan.fit, Fit::kTooLarge);
  EXPECT_FALSE(plan.runs());
  EXPECT_THAT(plan.problem, AllOf(HasSubstr("2.00 GiB"), HasSubstr("every token reads")));
  ASSERT_GT(plan.least_ram_bytes, request.ram_bytes);
  request.ram_bytes = plan.least_ram_bytes;
  EXPECT_TRUE(plan_model(m25("Q4_K_M"), request).runs());
  request.ram_bytes = plan.least_ram_bytes - (1ULL << 20);
  EXPECT_FALSE(plan_model(m25("Q4_K_M"), request).runs());
  // With a context that was asked for, and for several agents.
  for (const int n_agents : {1, 4}) {
    request.ram_bytes = 2ULL << 30;
    request.context = 20'000;
    request.n_agents = n_agents;
    request.ram_bytes = plan_model(m25("Q2_K"), request).least_ram_bytes;
    EXPECT_TRUE(plan_model(m25("Q2_K"), request).runs()) << n_agents;
    request.ram_bytes -= 1ULL << 20;
    EXPECT_FALSE(plan_model(m25("Q2_K"), request).runs()) << n_agents;
  }
}

TEST(ModelPlan, AContextBeyondTheModelIsRefused) {
  PlanRequest request = on("workstation-512gb");
  request.context = 200'000;
  EXPECT_THAT(plan_model(m25("Q4_K_M"), request).problem,
              AllOf(HasSubstr("200000"), HasSubstr("196608")));
}

TEST(ModelPlan, WithoutADiskNothingIsStreamed) {
  PlanRequest request = on("laptop-32gb");
  request.machine.disks.clear();
  const ModelPlan plan = plan_model(m25("Q4_K_M"), request);
  EXPECT_FALSE(plan.runs());
  EXPECT_THAT(plan.problem, HasSubstr("disk"));
}

TEST(ModelPlan, PathsAreQuotedForAShell) {
  PlannedModel model = m25("Q4_K_M");
  model.path = "/a folder/it's.gguf";
  const PlanRequest request = on("workstation-256gb");
  EXPECT_THAT(plan_model(model, request).command(request),
              HasSubstr("-m '/a folder/it'\\''s.gguf' "));
}

TEST(Recommendation, TakesTheMostBitsThatReadWell) {
  const PlanRequest request = on("workstation-512gb");
  std::vector<ModelPlan> plans;
  for (const QuantisationMix& mix : quantisation_mixes()) {
    plans.push_back(plan_model(m25(mix.name), request));
  }
  const auto best = recommend(plans);
  ASSERT_TRUE(best);
  const ModelPlan& chosen = plans[best->index];
  EXPECT_TRUE(chosen.runs());
  EXPECT_GE(chosen.answer.expected, kReadingSpeed);
  for (const ModelPlan& plan : plans) {
    if (!plan.runs() || plan.answer.expected < kReadingSpeed) continue;
    EXPECT_LE(plan.model.bits_per_weight(), chosen.model.bits_per_weight());
  }
}

TEST(Recommendation, TakesTheFastestWhereNoneReadsWell) {
  const PlanRequest request = on("phone-12gb");
  std::vector<ModelPlan> plans;
  for (const char* mix : {"Q4_K_M", "Q2_K", "Q8_0"}) plans.push_back(plan_model(m25(mix), request));
  const auto best = recommend(plans);
  ASSERT_TRUE(best);
  EXPECT_EQ(plans[best->index].model.mix, "Q2_K");
  EXPECT_THAT(best->reason, HasSubstr("none"));
}

TEST(Recommendation, NeverTakesWhatCannotRun) {
  const PlanRequest request = on("workstation-512gb");
  std::vector<ModelPlan> plans = {plan_model(m25("FP8"), request),
                                  plan_model(m25("UD-IQ3_S"), request)};
  EXPECT_FALSE(recommend(plans));
  EXPECT_FALSE(recommend({}));
}

}  // namespace
}  // namespace jevons
