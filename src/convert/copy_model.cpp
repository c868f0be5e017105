#include "convert/copy_model.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include "convert/gguf_writer.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{16} << 20;

void copy_metadata(const GgufFile& from, GgufWriter& writer) {
  for (const GgufEntry& entry : from.metadata()) {
    if (entry.key == "general.alignment" || entry.key.starts_with("split.")) continue;
    writer.set_copy(entry.key, entry.value);
  }
}

Result<void> copy_tensors(const ModelFile& file, const QuantizeOptions& options,
                          QuantizeProgress progress, GgufWriter& writer) {
  for (const GgufTensor* tensor : file.tensors()) {
    progress.tensor = tensor->name;
    std::span<const std::byte> rest(tensor->data, static_cast<std::size_t>(tensor->n_bytes));
    while (!rest.empty()) {
      const auto piece = rest.first(std::min(rest.size(), kPieceBytes));
      JEVONS_TRY(writer.write(piece));
      rest = rest.subspan(piece.size());
      progress.bytes_done += piece.size();
      if (options.progress) options.progress(progress);
    }
    ++progress.n_tensors_done;
  }
  return {};
}

}  // namespace

Result<QuantizeReport> copy_model(const std::string& input, const std::string& output,
                                  const QuantizeOptions& options) {
  std::error_code ignored;
  if (std::filesystem::is_directory(input, ignored)) {
    return fail("{} is a folder; only a GGUF file can be written anew with its types", input);
  }
  JEVONS_TRY(check_alignment(options.alignment));
  JEVONS_ASSIGN(const ModelFile file, ModelFile::open(input));
  for (const GgufFile& shard : file.shards()) JEVONS_TRY(check_output(shard.name(), output));

  GgufWriter writer;
  copy_metadata(file.metadata(), writer);
  writer.set_alignment(options.alignment);
  QuantizeReport report;
  QuantizeProgress progress{};
  for (const GgufTensor* tensor : file.tensors()) {
    writer.add_tensor(tensor->name, tensor->type_id, tensor->shape);
    report.n_parameters += static_cast<std::uint64_t>(tensor->n_elements());
    progress.bytes_total += tensor->n_bytes;
  }
  report.n_tensors = progress.n_tensors = file.tensors().size();
  JEVONS_TRY(writer.begin(output));
  JEVONS_TRY(copy_tensors(file, options, progress, writer));
  JEVONS_TRY(writer.commit());
  report.file_bytes = std::filesystem::file_size(output, ignored);
  report.bits_per_weight =
      8.0 * static_cast<double>(report.file_bytes) / static_cast<double>(report.n_parameters);
  return report;
}

}  // namespace jevons
