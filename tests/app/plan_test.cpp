// jevons plan as a user types it, and its division of memory beside the engine's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/term/terminal.h"
#include "base/atomic_file.h"
#include "engine/context_plan.h"
#include "meter/machine_presets.h"
#include "meter/model_plan.h"
#include "model/kv_cache.h"
#include "model/model.h"
#include "model/open_model.h"
#include "run_program.h"
#include "weights/dense_core.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::ordered_json;

// A cache folder of its own, so that measuring is tested and nothing of the user's is touched.
class PlanProgram : public testing::Test {
 protected:
  PlanProgram() { std::filesystem::create_directories(folder_); }
  ~PlanProgram() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] ProgramResult plan(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "plan");
    return run_program(arguments, "", {{"XDG_CACHE_HOME", folder_}});
  }
  [[nodiscard]] std::string good(const std::vector<std::string>& arguments) const {
    const ProgramResult result = plan(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }
  [[nodiscard]] Json json(std::vector<std::string> arguments) const {
    arguments.push_back("--json");
    return Json::parse(good(arguments));
  }

  const std::string folder_ = testing::TempDir() + "plan_" + std::to_string(::getpid());
};

void expect_narrow(const std::string& text) {
  use_utf8_locale();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    // A command is not broken, so that it can be copied.
    if (line.starts_with("  jevons ")) continue;
    EXPECT_LE(display_width(line), 80) << line;
  }
}

TEST_F(PlanProgram, ComparesTheMixesOfAModel) {
  const std::string text = good({"M2.5", "--machine", "desktop-128gb"});
  EXPECT_THAT(text, AllOf(HasSubstr("MiniMax-M2.5"), HasSubstr("Q2_K"), HasSubstr("Q4_K_M"),
                          HasSubstr("83.3 GB"), HasSubstr("138 GB"), HasSubstr("modelled"),
                          HasSubstr("jevons run -m MiniMax-M2.5-"), HasSubstr("Kimi-K2.5"),
                          HasSubstr("4.6 %")));
  expect_narrow(text);
  EXPECT_EQ(good({"--machine", "desktop-128gb"}), text);  // M2.5 is what is planned by default
}

TEST_F(PlanProgram, JsonSaysAllWithSources) {
  const Json plan = json({"M2.5:Q4_K_M", "--machine", "laptop-32gb", "--context", "8192"});
  ASSERT_EQ(plan.at("plans").size(), 1U);
  const Json& one = plan.at("plans").at(0);
  EXPECT_EQ(one.at("context"), 8192);
  EXPECT_EQ(one.at("fit"), "from disk");
  EXPECT_EQ(one.at("kv_bytes_per_token").at("q8_0"), 134'912);
  EXPECT_GT(one.at("answer").at("tokens_per_second").get<double>(),
            one.at("answer").at("low").get<double>());
  EXPECT_THAT(one.at("answer").at("limit").get<std::string>(),
              testing::AnyOf("disk", "memory", "arithmetic"));
  EXPECT_THAT(plan.at("machine").at("memory_bytes_per_second").at("source").get<std::string>(),
              HasSubstr("DDR5"));
  EXPECT_TRUE(plan.at("machine").at("modelled").get<bool>());
  EXPECT_THAT(plan.at("recommendation").at("command").get<std::string>(),
              AllOf(HasSubstr("-c 8192"), HasSubstr("--ram ")));
}

// Every option of the recommended command is one that the program takes: with nano in the place of
// the model it runs.
TEST_F(PlanProgram, TheRecommendedCommandRuns) {
  const Json plan = json({nano_path(), "--context", "256", "--ram", "2GiB"});
  std::istringstream words(plan.at("recommendation").at("command").get<std::string>());
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  ASSERT_GE(arguments.size(), 6U);
  EXPECT_EQ(arguments[0], "jevons");
  arguments.erase(arguments.begin());
  arguments.insert(arguments.end(), {"-p", "What is 17 plus 25?", "--temp", "0", "-n", "4"});
  const ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(PlanProgram, TheServerOfTheAgentsTakesItsOptions) {
  const Json plan = json({nano_path(), "--agents", "3", "--context", "256"});
  const auto command = plan.at("recommendation").at("command").get<std::string>();
  EXPECT_THAT(command, AllOf(HasSubstr("jevons serve"), HasSubstr("--parallel 3")));
  const std::string help = run_program({"serve", "--help"}).out;
  std::istringstream words(command);
  for (std::string word; words >> word;) {
    if (word.starts_with("-")) {
      EXPECT_THAT(help, HasSubstr(word));
    }
  }
}

TEST_F(PlanProgram, MeasuresThisMachineOnceAndKeepsIt) {
  const Json first = json({nano_path()});
  const std::string path = folder_ + "/jevons/machine.json";
  const auto kept = read_file(path);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_GT(first.at("machine").at("memory_bytes_per_second").at("value").get<double>(), 1e8);
  EXPECT_FALSE(first.at("machine").at("modelled").get<bool>());
  EXPECT_EQ(first.at("plans").at(0).at("fit"), "in memory");
  EXPECT_GT(first.at("plans").at(0).at("answer").at("tokens_per_second").get<double>(), 1);
  // The second time it is read; a figure that was changed shows it.
  Json changed = Json::parse(*kept);
  changed["memory_bytes_per_second"]["value"] = 123e9;
  ASSERT_TRUE(write_file_atomically(path, changed.dump()));
  EXPECT_EQ(json({nano_path()}).at("machine").at("memory_bytes_per_second").at("value"), 123e9);
  EXPECT_NE(
      json({nano_path(), "--measure"}).at("machine").at("memory_bytes_per_second").at("value"),
      123e9);
}

TEST_F(PlanProgram, ReadsAConfigJson) {
  const std::string config = folder_ + "/My-M2/config.json";
  std::filesystem::create_directories(folder_ + "/My-M2");
  ASSERT_TRUE(write_file_atomically(config, R"({"model_type": "minimax_m2", "hidden_size": 3072,
    "num_hidden_layers": 62, "num_attention_heads": 48, "num_key_value_heads": 8, "head_dim": 128,
    "rotary_dim": 64, "num_local_experts": 256, "num_experts_per_tok": 8, "intermediate_size": 1536,
    "vocab_size": 200064, "max_position_embeddings": 196608, "rms_norm_eps": 1e-6,
    "rope_theta": 5000000})"));
  const std::string text = good({config, "--machine", "desktop-64gb"});
  EXPECT_THAT(text, AllOf(HasSubstr("My-M2"), HasSubstr("83.3 GB")));
  EXPECT_EQ(good({folder_ + "/My-M2", "--machine", "desktop-64gb"}), text);
}

TEST_F(PlanProgram, SaysPlainlyThatNothingFits) {
  const std::string text = good({"M2.5", "--machine", "desktop-64gb", "--ram", "2GiB"});
  EXPECT_THAT(text, AllOf(HasSubstr("Nothing fits"), HasSubstr("would run with"),
                          HasSubstr("phone-12gb"), Not(HasSubstr("jevons run"))));
  EXPECT_TRUE(
      json({"M2.5", "--machine", "desktop-64gb", "--ram", "2GiB"}).at("recommendation").is_null());
}

TEST_F(PlanProgram, ComparesWithModelsThatDoNotRun) {
  const std::string text = good({"GLM-5", "--machine", "unified-128gb"});
  EXPECT_THAT(text, AllOf(HasSubstr("not runnable"), HasSubstr("744 B"), HasSubstr("89.9 kB")));
  expect_narrow(text);
  EXPECT_FALSE(json({"Kimi-K2.5", "--machine", "unified-128gb"}).at("runs").get<bool>());
}

TEST_F(PlanProgram, ListsMachinesAndModels) {
  const std::string machines = good({"--machine", "list"});
  for (const MachineFacts& machine : machine_presets()) {
    EXPECT_THAT(machines, HasSubstr(machine.name));
  }
  expect_narrow(machines);
  EXPECT_EQ(json({"--machine", "list"}).size(), machine_presets().size());
  const std::string models = good({"list"});
  EXPECT_THAT(models, AllOf(HasSubstr("MiniMax-M2.7"), HasSubstr("IQ4_XS"), HasSubstr("GLM-5")));
  expect_narrow(models);
}

TEST_F(PlanProgram, DrawsAPicture) {
  const std::string path = folder_ + "/speed.svg";
  EXPECT_EQ(plan({"M2.5", "--machine", "desktop-64gb", "--svg", path}).exit_code, 0);
  const auto svg = read_file(path);
  ASSERT_TRUE(svg);
  EXPECT_THAT(*svg, AllOf(HasSubstr("</svg>"), HasSubstr("Q4_K_M"), HasSubstr("desktop-64gb")));
  const ProgramResult lost = plan({"M2.5", "--machine", "desktop-64gb", "--svg", "/none/x.svg"});
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_THAT(lost.err, HasSubstr("/none/x.svg"));
}

TEST_F(PlanProgram, WhatIsWrongIsSaid) {
  const auto complaint = [&](const std::vector<std::string>& arguments, int code) {
    const ProgramResult result = plan(arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    return result.err;
  };
  EXPECT_THAT(complaint({"M9"}, 1), AllOf(HasSubstr("'M9'"), HasSubstr("MiniMax-M2.5")));
  EXPECT_THAT(complaint({"none.gguf"}, 1), HasSubstr("none.gguf"));
  EXPECT_THAT(complaint({"M2.5:Q9_K"}, 1), AllOf(HasSubstr("Q9_K"), HasSubstr("Q4_K_M")));
  EXPECT_THAT(complaint({"M2.5", "--machine", "toaster"}, 2),
              AllOf(HasSubstr("toaster"), HasSubstr("laptop-32gb")));
  EXPECT_THAT(complaint({"M2.5", "--machine", "laptop-32gb", "--measure"}, 2),
              HasSubstr("--measure"));
  EXPECT_THAT(complaint({"M2.5", "--machine", "laptop-32gb", "--disk", "/"}, 2),
              HasSubstr("--disk"));
  EXPECT_THAT(complaint({nano_path(), "--disk", "/"}, 2), HasSubstr("--disk"));
  EXPECT_THAT(complaint({"M2.5", "--ram", "much"}, 2), HasSubstr("'much'"));
  EXPECT_THAT(complaint({"GLM-5", "--svg", "x.svg"}, 2), HasSubstr("--svg"));
  EXPECT_EQ(plan({"M2.5", "--agents", "0"}).exit_code, 2);
  EXPECT_THAT(complaint({JEVONS_SOURCE_DIR "/README.md"}, 1), HasSubstr("README.md"));
}

// The meter may not see the engine; here both are asked.
TEST(ModelPlanAndEngine, AgreeOnTheContext) {
  const ModelConfig config = m25_config();
  const KvLayout layout =
      KvLayout::of(config, kernels::KvFormat::kQ8_0, kernels::best_kernel_set());
  for (const char* mix : {"Q2_K", "Q4_K_M", "Q8_0"}) {
    const PlannedModel model = *compute_model("M2.5", config, *find_mix(mix));
    EXPECT_EQ(layout.bytes_per_token(), model.kv_bytes_per_token("q8_0"));
    for (const std::uint64_t gib : {8, 12, 24, 48, 100, 200, 400}) {
      PlanRequest request;
      request.machine = *machine_preset("desktop-64gb");
      request.device = "disk";
      request.ram_bytes = gib << 30;
      request.scratch_bytes = Model::scratch_bytes;
      request.n_guess_rows = 15;
      const ModelPlan plan = plan_model(model, request);
      const ContextDemand demand{0,
                                 config.context_length,
                                 layout.page_bytes,
                                 model.file_bytes,
                                 plan.scratch_bytes,
                                 request.ram_bytes};
      const auto planned = plan_context(demand);
      ASSERT_TRUE(planned) << mix << gib;
      EXPECT_EQ(plan.context, *planned) << mix << ' ' << gib;
      EXPECT_EQ(plan.kv_bytes,
                static_cast<std::uint64_t>(plan_pages(demand, *planned, 1)) * layout.page_bytes)
          << mix << ' ' << gib;
      const std::uint64_t others = plan.kv_bytes + plan.scratch_bytes + kProgramBytes;
      EXPECT_EQ(plan.fit == Fit::kInMemory, model.file_bytes + others <= request.ram_bytes)
          << mix << ' ' << gib;
    }
  }
}

TEST(ModelPlanAndEngine, AgreeOnWhatIsPinned) {
  for (const char* path : {"/models/nano.gguf", "/tests/data/oracle/f32.gguf"}) {
    const auto open = OpenModel::open(std::string(JEVONS_SOURCE_DIR) + path);
    ASSERT_TRUE(open) << open.error().message;
    const auto model = read_planned_model(*open->file);
    ASSERT_TRUE(model) << model.error().message;
    // Each tensor is read with what stands around it in its first and last 4 kB.
    const std::uint64_t most_around = 2 * 4096 * open->file->tensors().size();
    const std::uint64_t pinned = DenseCore::size_bytes(*open->file, open->weights);
    EXPECT_GE(pinned, model->pinned_bytes()) << path;
    EXPECT_LE(pinned, model->pinned_bytes() + most_around) << path;
  }
}

}  // namespace
}  // namespace jevons
