// `jevons quantize --type keep`: a GGUF file, or the shards of one, written anew as one file with
// its tensors as they are, for another alignment. Any architecture and any known tensor type;
// memory is bounded whatever the model's size. Any thread may call.
#pragma once

#include <string>

#include "base/result.h"
#include "convert/quantize.h"

namespace jevons {

/// Of the options, `alignment` and `progress` count. Keeps all metadata but general.alignment and
/// what only shards have. Writes `output` in one piece when all is done.
[[nodiscard]] Result<QuantizeReport> copy_model(const std::string& input, const std::string& output,
                                                const QuantizeOptions& options);

}  // namespace jevons
