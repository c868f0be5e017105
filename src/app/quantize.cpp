// jevons quantize: a checkpoint or a GGUF file to another type.
#include "convert/quantize.h"

#include <memory>
#include <string>

#include "app/commands.h"
#include "app/quantity.h"
#include "app/term/progress_line.h"
#include "convert/copy_model.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

struct QuantizeFlags {
  std::string input, output, type = "q8_0";
  std::uint64_t alignment = GgufWriter::kDefaultAlignment;
  int n_threads = 0;
};

Result<kernels::WeightFormat> type_of(const std::string& name) {
  using enum kernels::WeightFormat;
  const auto format = parse_weight_format(name);
  for (const kernels::WeightFormat known : {kF32, kF16, kBF16, kQ8_0, kQ4_K}) {
    if (format == known) return known;
  }
  return fail("--type is '{}', and must be one of q8_0, f16, bf16, f32, q4_k, keep", name);
}

int quantize(const QuantizeFlags& flags) {
  const bool keeps_types = flags.type == "keep";
  QuantizeOptions options;
  if (!keeps_types) {
    const auto type = type_of(flags.type);
    if (!type) return report(type.error(), kUsage);
    options.type = *type;
  }
  if (const auto good = check_alignment(flags.alignment); !good) {
    return report(good.error(), kUsage);
  }
  ProgressLine progress;
  options.alignment = flags.alignment;
  options.n_threads = flags.n_threads;
  options.progress = [&](const QuantizeProgress& p) {
    progress.show(fmt::format("{} of {} tensors, {} of {}: {}", p.n_tensors_done, p.n_tensors,
                              bytes_text(static_cast<double>(p.bytes_done)),
                              bytes_text(static_cast<double>(p.bytes_total)), p.tensor));
  };
  const auto done = (keeps_types ? copy_model : quantize_model)(flags.input, flags.output, options);
  progress.clear();
  if (!done) return report(done.error());
  fmt::print("{}: {} tensors, {} parameters, {}, {:.2f} bits per weight\n", flags.output,
             done->n_tensors, count_text(static_cast<double>(done->n_parameters)),
             bytes_text(static_cast<double>(done->file_bytes)), done->bits_per_weight);
  return kSuccess;
}

}  // namespace

CommandBody define_quantize(CLI::App& app) {
  auto flags = std::make_shared<QuantizeFlags>();
  app.add_option("IN", flags->input, "a folder with safetensors files, or a GGUF file")->required();
  app.add_option("OUT", flags->output, "the GGUF file to write")->required();
  app.add_option("--type", flags->type,
                 "q8_0, f16, bf16, f32 or q4_k; keep: a GGUF file of any types, as they are [q8_0]")
      ->type_name("TYPE");
  app.add_option("--align", flags->alignment,
                 "bytes, a multiple of which every tensor begins at; with 4096, experts are read "
                 "from disk without anything around them [32]")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  app.add_option("-t,--threads", flags->n_threads, "threads [all CPUs]")->type_name("N");
  return [flags] { return quantize(*flags); };
}

}  // namespace jevons
