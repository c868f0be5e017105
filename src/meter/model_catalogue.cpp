#include "meter/model_catalogue.h"

#include <algorithm>
#include <cctype>

namespace jevons {
namespace {

constexpr FamilyMember kFamily[] = {
    {"MiniMax-M2", "2025-10", "config.json of MiniMaxAI/MiniMax-M2"},
    {"MiniMax-M2.1", "2025-12", "the same shapes as M2 (config.json of MiniMaxAI/MiniMax-M2.1)"},
    {"MiniMax-M2.5", "2026-02", "the same shapes as M2 (config.json of MiniMaxAI/MiniMax-M2.5)"},
    {"MiniMax-M2.7", "2026-04", "the same shapes as M2 (config.json of amd/MiniMax-M2.7-BF16)"},
};

constexpr ForeignModel kForeign[] = {
    {"MiniMax-M1", 456e9, 45.9e9, 10 * 2 * 8 * 128 * 2, "BF16", 16,
     "MiniMax-M1 report (456 B, 45.9 B active; arXiv 2506.13585); 10 of 80 layers keep keys and "
     "values, heads of 128 (MiniMax-Text-01 model card); 8 heads, BF16 (not confirmed)"},
    {"GLM-5", 744e9, 40e9, 78 * (512 + 64) * 2, "BF16", 16,
     "GLM-5 model card (744 B, 40 B active); 78 layers of latent attention, 512 + 64 (its "
     "config.json), and an indexer that is not counted"},
    {"Kimi-K2.5", 1.04e12, 32e9, 61 * (512 + 64) * 2, "INT4", 4.5,
     "Kimi K2 report (1.04 T, 32 B active; arXiv 2507.20534); K2.5: experts in INT4 with a scale "
     "for 32 weights, 61 layers of latent attention, 512 + 64"},
    {"DeepSeek-V3.2", 671e9, 37e9, 61 * (512 + 64) * 2, "FP8", 8,
     "DeepSeek-V3 report (671 B, 37 B active, 61 layers of latent attention, 512 + 64; arXiv "
     "2412.19437); V3.2 adds an indexer that is not counted"},
};

// Lower case, without dashes, underscores, blanks and the maker's name.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-' || c == '_' || c == ' ') continue;
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const std::string_view maker : {"minimaxai/", "minimax", "moonshotai/", "zaiorg/"}) {
    if (out.starts_with(maker)) out.erase(0, maker.size());
  }
  return out;
}

const FamilyMember* member_named(std::string_view name) {
  const std::string wanted = plain(name);
  for (const FamilyMember& member : kFamily) {
    if (plain(member.name) == wanted) return &member;
  }
  return nullptr;
}

const ForeignModel* foreign_named(std::string_view name) {
  const std::string wanted = plain(name);
  for (const ForeignModel& model : kForeign) {
    const std::string known = plain(model.name);
    if (known == wanted) return &model;
    // "K2.5" and "V3.2" alone.
    const std::string_view full = model.name;
    const std::size_t dash = full.find('-');
    if (full.find("MiniMax") == std::string_view::npos && plain(full.substr(dash + 1)) == wanted &&
        wanted.size() > 2) {
      return &model;
    }
  }
  return nullptr;
}

std::string mix_names() {
  std::string names;
  for (const QuantisationMix& mix : quantisation_mixes()) {
    names += (names.empty() ? "" : ", ") + std::string(mix.name);
  }
  return names;
}

// "M2.5:Q4_K_M" at the colon, "MiniMax-M2.5-Q4_K_M" at the dash that a mix follows.
std::pair<std::string_view, std::string_view> split_mix(std::string_view name) {
  const std::size_t colon = name.find(':');
  if (colon != std::string_view::npos) return {name.substr(0, colon), name.substr(colon + 1)};
  for (std::size_t dash = name.find('-'); dash != std::string_view::npos;
       dash = name.find('-', dash + 1)) {
    if (find_mix(name.substr(dash + 1)) != nullptr) {
      return {name.substr(0, dash), name.substr(dash + 1)};
    }
  }
  return {name, ""};
}

}  // namespace

std::span<const FamilyMember> m2_family() { return kFamily; }
std::span<const ForeignModel> foreign_models() { return kForeign; }

std::string catalogue_names() {
  std::string names;
  for (const FamilyMember& member : kFamily) {
    names += (names.empty() ? "" : ", ") + std::string(member.name);
  }
  for (const ForeignModel& model : kForeign) names += ", " + std::string(model.name);
  return names;
}

bool is_catalogue_name(std::string_view name) {
  if (name.ends_with(".gguf") || name.ends_with(".json")) return false;
  const auto [model, mix] = split_mix(name);
  return member_named(model) != nullptr || foreign_named(model) != nullptr;
}

Result<CatalogueEntry> find_catalogue_entry(std::string_view name) {
  const auto [model, mix] = split_mix(name);
  CatalogueEntry entry;
  entry.member = member_named(model);
  if (entry.member == nullptr) {
    entry.foreign = foreign_named(model);
    if (entry.foreign == nullptr) {
      return fail("there is no file '{}' and no model of that name; the models are {}", name,
                  catalogue_names());
    }
    if (!mix.empty()) return fail("{} has no mix '{}': it does not run here", model, mix);
    return entry;
  }
  if (mix.empty()) return entry;
  entry.mix = find_mix(mix);
  if (entry.mix == nullptr) {
    return fail("'{}' is no mix of {}; the mixes are {}", mix, entry.member->name, mix_names());
  }
  return entry;
}

}  // namespace jevons
