// jevons synth: a model of any shape with random weights.
#include "convert/synth.h"

#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/quantity.h"
#include "app/term/progress_line.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

struct SynthFlags {
  std::string out;
  SynthOptions options;
  std::string type;
  std::vector<std::string> overrides;
};

Result<kernels::WeightFormat> format_of(const std::string& name) {
  const auto format = parse_weight_format(name);
  if (format) return *format;
  return fail("'{}' is no tensor type; the types are {}", name, computable_format_names());
}

Result<M2Formats> formats_of(const SynthFlags& flags) {
  M2Formats formats = q4_k_m_formats();
  if (!flags.type.empty()) {
    JEVONS_ASSIGN(const kernels::WeightFormat format, format_of(flags.type));
    formats = {format, format, format, format, format, {}};
  }
  for (const std::string& text : flags.overrides) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail("--tensor-type is '{}', and must be NAME=TYPE", text);
    }
    JEVONS_ASSIGN(const kernels::WeightFormat format, format_of(text.substr(equals + 1)));
    formats.overrides.push_back({text.substr(0, equals), format});
  }
  return formats;
}

int synth(SynthFlags& flags) {
  const auto formats = formats_of(flags);
  if (!formats) return report(formats.error(), kUsage);
  flags.options.formats = *formats;
  if (const auto good = check_alignment(flags.options.alignment); !good) {
    return report(good.error(), kUsage);
  }
  ProgressLine progress;
  flags.options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(fmt::format("{} of {}", bytes_text(static_cast<double>(done)),
                              bytes_text(static_cast<double>(total))));
  };
  const Result<void> written = write_synth_model(flags.out, flags.options);
  progress.clear();
  return written ? kSuccess : report(written.error());
}

void add_shape(CLI::App& app, ModelConfig& config) {
  const struct {
    const char* flag;
    int* value;
    const char* help;
  } kDimensions[] = {
      {"--layers", &config.n_layers, "layers"},
      {"--hidden", &config.hidden_size, "hidden size"},
      {"--heads", &config.n_heads, "query heads"},
      {"--kv-heads", &config.n_kv_heads, "key and value heads"},
      {"--head-dim", &config.head_dim, "size of a head"},
      {"--rotary", &config.rotary_dim, "dims of a head that are rotated"},
      {"--experts", &config.n_experts, "experts of a layer"},
      {"--experts-used", &config.n_experts_used, "experts that a token takes"},
      {"--expert-size", &config.expert_size, "width of an expert"},
      {"--vocab", &config.vocab_size, "tokens of the vocabulary"},
      {"--context", &config.context_length, "context that the file declares"},
  };
  for (const auto& [flag, value, help] : kDimensions) {
    app.add_option(flag, *value, fmt::format("{} [{}]", help, *value))->type_name("N");
  }
}

}  // namespace

CommandBody define_synth(CLI::App& app) {
  auto flags = std::make_shared<SynthFlags>();
  app.add_option("OUT", flags->out, "the GGUF file to write")->required();
  add_shape(app, flags->options.config);
  app.add_option("--type", flags->type, "type of all matrices [like Q4_K_M]")->type_name("TYPE");
  app.add_option("--tensor-type", flags->overrides,
                 "type of the matrices whose name contains NAME; may be repeated")
      ->type_name("NAME=TYPE")
      ->allow_extra_args(false);
  app.add_flag("--fused", flags->options.fused_gate_up, "gate and up of the experts in one tensor");
  app.add_flag("--sparse", flags->options.sparse, "all weights a hole in the file: no disk, zeros");
  app.add_option("--align", flags->options.alignment,
                 "bytes, a multiple of which every tensor begins at [32]")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--name", flags->options.config.name, "name of the model")->type_name("TEXT");
  app.add_option("-s,--seed", flags->options.seed, "the same seed gives the same file [1]")
      ->type_name("N");
  app.add_option("-t,--threads", flags->options.n_threads, "threads [all CPUs]")->type_name("N");
  return [flags] { return synth(*flags); };
}

}  // namespace jevons
