// Models that a plan knows by name: the M2 family, computed for every mix, and some others that
// Jevons does not run, for their memory and cost alone. Constant; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "meter/planned_model.h"

namespace jevons {

/// One of the M2 family: same network, other weights.
struct FamilyMember {
  const char* name;      // "MiniMax-M2.5"
  const char* released;  // "2026-02"
  const char* source;
};
[[nodiscard]] std::span<const FamilyMember> m2_family();

/// Not runnable here. Figures as their makers publish them.
struct ForeignModel {
  const char* name;
  double n_parameters, n_active_parameters;
  /// Keys and values (or their latent) of a token in 16 bits, without what an indexer adds; 0 if
  /// not known.
  double kv_bytes_per_token;
  const char* native;  // the precision that it is published in
  double native_bits;  // for each weight
  const char* source;
};
[[nodiscard]] std::span<const ForeignModel> foreign_models();

/// What somebody wrote for a model: a member of the family with a mix or without, or a foreign one.
struct CatalogueEntry {
  const FamilyMember* member = nullptr;
  const QuantisationMix* mix = nullptr;  // nullptr: all of them
  const ForeignModel* foreign = nullptr;
};

/// "MiniMax-M2.5", "m2.5", "M2.5:Q4_K_M", "MiniMax-M2.5-Q4_K_M", "glm-5". Errors list what there
/// is.
[[nodiscard]] Result<CatalogueEntry> find_catalogue_entry(std::string_view name);

/// Whether the text looks like a name of the catalogue and not like a path.
[[nodiscard]] bool is_catalogue_name(std::string_view name);

/// "MiniMax-M2, MiniMax-M2.1, ..."
[[nodiscard]] std::string catalogue_names();

}  // namespace jevons
