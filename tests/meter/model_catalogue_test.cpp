#include "meter/model_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter/machine_presets.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ModelCatalogue, NamesAreReadAsPeopleWriteThem) {
  for (const char* name :
       {"MiniMax-M2.5", "minimax-m2.5", "M2.5", "m2.5", "MiniMaxAI/MiniMax-M2.5"}) {
    const auto entry = find_catalogue_entry(name);
    ASSERT_TRUE(entry) << name;
    EXPECT_STREQ(entry->member->name, "MiniMax-M2.5") << name;
    EXPECT_EQ(entry->mix, nullptr) << name;
    EXPECT_TRUE(is_catalogue_name(name)) << name;
  }
  for (const char* name : {"M2.5:Q4_K_M", "MiniMax-M2.5-Q4_K_M", "m2.5-q4_k_m"}) {
    const auto entry = find_catalogue_entry(name);
    ASSERT_TRUE(entry) << name;
    EXPECT_STREQ(entry->member->name, "MiniMax-M2.5") << name;
    ASSERT_NE(entry->mix, nullptr) << name;
    EXPECT_STREQ(entry->mix->name, "Q4_K_M") << name;
  }
  EXPECT_STREQ(find_catalogue_entry("M2")->member->name, "MiniMax-M2");
  EXPECT_STREQ(find_catalogue_entry("m2.7:ud-iq3_s")->mix->name, "UD-IQ3_S");
}

TEST(ModelCatalogue, OthersAreKnownForComparison) {
  EXPECT_STREQ(find_catalogue_entry("glm-5")->foreign->name, "GLM-5");
  EXPECT_STREQ(find_catalogue_entry("Kimi K2.5")->foreign->name, "Kimi-K2.5");
  EXPECT_STREQ(find_catalogue_entry("deepseek-v3.2")->foreign->name, "DeepSeek-V3.2");
  EXPECT_STREQ(find_catalogue_entry("MiniMax-M1")->foreign->name, "MiniMax-M1");
  EXPECT_THAT(find_catalogue_entry("GLM-5:Q4_K_M").error().message, HasSubstr("does not run"));
  // Latent attention: 576 values of 16 bits a layer.
  EXPECT_EQ(find_catalogue_entry("GLM-5")->foreign->kv_bytes_per_token, 89'856);
  EXPECT_EQ(find_catalogue_entry("Kimi-K2.5")->foreign->kv_bytes_per_token, 70'272);
}

TEST(ModelCatalogue, WhatIsNotThereIsAnsweredWithWhatIs) {
  EXPECT_THAT(find_catalogue_entry("M3").error().message,
              AllOf(HasSubstr("'M3'"), HasSubstr("MiniMax-M2.7"), HasSubstr("GLM-5")));
  EXPECT_THAT(find_catalogue_entry("M2.5:Q9").error().message,
              AllOf(HasSubstr("'Q9'"), HasSubstr("Q4_K_M")));
  EXPECT_FALSE(is_catalogue_name("model.gguf"));
  EXPECT_FALSE(is_catalogue_name(""));
}

TEST(ModelCatalogue, SourcesNameWhatWasRead) {
  EXPECT_THAT(find_catalogue_entry("M2.1")->member->source, HasSubstr("MiniMax-M2.1"));
  EXPECT_THAT(find_catalogue_entry("M2.7")->member->source, HasSubstr("amd/MiniMax-M2.7-BF16"));
  // The model card says 1 T; the report says how much that is.
  EXPECT_THAT(find_catalogue_entry("Kimi-K2.5")->foreign->source, HasSubstr("2507.20534"));
  EXPECT_THAT(find_catalogue_entry("MiniMax-M1")->foreign->source, HasSubstr("not confirmed"));
}

TEST(MachinePresets, EveryFigureSaysItsSource) {
  const auto presets = machine_presets();
  ASSERT_EQ(presets.size(), 8U);
  for (const MachineFacts& machine : presets) {
    EXPECT_FALSE(machine.is_measured) << machine.name;
    ASSERT_EQ(machine.disks.size(), 1U) << machine.name;
    for (const SourcedFigure* figure :
         {&machine.ram_bytes, &machine.ram_available_bytes, &machine.bandwidth_all,
          &machine.int8_peak, &machine.f32_peak, &machine.disks.front().bytes_per_second}) {
      EXPECT_GT(figure->value, 0) << machine.name;
      EXPECT_FALSE(figure->source.empty()) << machine.name;
    }
    EXPECT_THAT(machine.bandwidth_all.source, HasSubstr("modelled")) << machine.name;
    EXPECT_LT(machine.ram_available_bytes.value, machine.ram_bytes.value) << machine.name;
  }
  // Two channels of 64 bits at 5.6 GT/s, of which 0.8 are reached.
  EXPECT_NEAR(machine_preset("desktop-64gb")->bandwidth_all.value, 0.8 * 89.6e9, 1e6);
  EXPECT_NEAR(machine_preset("workstation-512gb")->bandwidth_all.value, 0.8 * 614.4e9, 1e6);
  // 8 cores, one 512-bit vpdpbusd (64 products and sums) or two 256-bit FMA at the base clock.
  EXPECT_NEAR(machine_preset("laptop-32gb")->int8_peak.value, 0.8 * 8 * 3.8e9 * 128, 1e6);
  EXPECT_NEAR(machine_preset("laptop-32gb")->f32_peak.value, 0.8 * 8 * 3.8e9 * 32, 1e6);
  EXPECT_THAT(machine_preset("toaster").error().message,
              AllOf(HasSubstr("'toaster'"), HasSubstr("phone-12gb")));
}

TEST(MachinePresets, WhatWasNotConfirmedSaysSo) {
  for (const MachineFacts& machine : machine_presets()) {
    const bool is_open = machine.name == "phone-12gb" || machine.name == "workstation-256gb";
    EXPECT_EQ(machine.bandwidth_all.source.find("not confirmed") != std::string::npos, is_open)
        << machine.name;
  }
  EXPECT_THAT(machine_preset("unified-128gb")->int8_peak.source, HasSubstr("assumed"));
  // The mean of a phone's highest clocks, of the cores that compute.
  const double mean = (3.3e9 + 3 * 3.2e9 + 2 * 3.0e9) / 6;
  EXPECT_NEAR(machine_preset("phone-12gb")->int8_peak.value, 0.5 * 6 * mean * 75, 1e6);
  EXPECT_NEAR(machine_preset("phone-16gb")->int8_peak.value / (0.5 * 8 * 128),
              (2 * 4.32e9 + 6 * 3.53e9) / 8, 5e6);
}

}  // namespace
}  // namespace jevons
