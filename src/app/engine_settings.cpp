#include "app/engine_settings.h"

#include "app/residency_settings.h"

namespace jevons {

Result<EngineOptions> engine_options(const Settings& settings, const std::string& model) {
  EngineOptions options;
  options.model_path = model;
  options.n_threads = settings.threads;
  options.context_length = settings.context;
  options.kv_type = settings.kv_type == "f16" ? KvType::kF16 : KvType::kQ8_0;
  options.prefill_chunk = settings.batch;
  JEVONS_ASSIGN(options.ram_bytes, ram_bytes_of(settings));
  options.statistics_folder = statistics_folder_of(settings);
  options.foresight = settings.foresight;
  options.verify = settings.verify;
  options.trace_path = settings.trace;
  options.speculate = settings.speculate == "auto";
  return options;
}

}  // namespace jevons
