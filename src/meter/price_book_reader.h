// Models of a price book's TOML text. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meter/price_book.h"

namespace jevons {

/// What the text says and no more: a model without a name or without prices can only add to one
/// that is known. `name` is the file's, for errors, which give the line too; `book` goes into
/// every source.
[[nodiscard]] Result<std::vector<PricedModel>> read_price_book(std::string_view toml,
                                                               const std::string& name,
                                                               const std::string& book);

}  // namespace jevons
