// Stand-ins for parts that are being written elsewhere; this file goes when they are there.
#include <algorithm>
#include <list>

#include "engine/chat_prompt.h"
#include "engine/prefix_cache.h"
#include "text/output_constraint.h"

#define JEVONS_WEAK __attribute__((weak))

namespace jevons {

#ifndef JEVONS_HAS_CONSTRAINTS
struct ConstraintCompiler::State {};
JEVONS_WEAK ConstraintCompiler::ConstraintCompiler(const Tokenizer&) {}
JEVONS_WEAK ConstraintCompiler::~ConstraintCompiler() = default;
#endif

struct TurnStore::State {};
JEVONS_WEAK TurnStore::TurnStore(std::size_t) {}
JEVONS_WEAK TurnStore::~TurnStore() = default;

struct KvStore::State {};
JEVONS_WEAK KvStore::~KvStore() = default;
JEVONS_WEAK Result<std::unique_ptr<KvStore>> KvStore::open(const KvStoreOptions&) {
  return fail("no store yet");
}
JEVONS_WEAK void KvStore::flush(double) {}
JEVONS_WEAK EngineStatus::Disk KvStore::status() const { return {}; }

struct PrefixCache::State {
  struct Entry {
    std::string scope;
    std::vector<std::int32_t> tokens;
    std::vector<KvPage> pages;
  };
  std::list<Entry> entries;  // used last first
};
JEVONS_WEAK PrefixCache::PrefixCache(KvStore*) : state_(new State) {}
JEVONS_WEAK PrefixCache::~PrefixCache() = default;
JEVONS_WEAK PrefixMatch PrefixCache::match(const PrefixScope& scope,
                                           std::span<const std::int32_t> tokens) {
  PrefixMatch best;
  for (const State::Entry& entry : state_->entries) {
    if (entry.scope != scope.scope) continue;
    const auto n =
        std::mismatch(entry.tokens.begin(), entry.tokens.end(), tokens.begin(), tokens.end() - 1)
            .first -
        entry.tokens.begin();
    if (n <= best.n_tokens) continue;
    best = {};
    best.n_tokens = static_cast<int>(n);
    best.pages.assign(entry.pages.begin(), entry.pages.begin() + n / 64);
    if (n % 64 != 0) best.partial = entry.pages[static_cast<std::size_t>(n / 64)];
  }
  return best;
}
JEVONS_WEAK int PrefixCache::count(const PrefixScope& scope,
                                   std::span<const std::int32_t> tokens) const {
  return const_cast<PrefixCache*>(this)->match(scope, tokens).n_tokens;
}
JEVONS_WEAK void PrefixCache::insert(const PrefixScope& scope, std::span<const std::int32_t> tokens,
                                     std::span<const KvPage> pages, bool) {
  std::erase_if(state_->entries, [&](const State::Entry& entry) {
    return entry.scope == scope.scope && entry.tokens.size() <= tokens.size() &&
           std::equal(entry.tokens.begin(), entry.tokens.end(), tokens.begin());
  });
  state_->entries.push_front(
      {scope.scope, {tokens.begin(), tokens.end()}, {pages.begin(), pages.end()}});
}
JEVONS_WEAK void PrefixCache::load(const PrefixScope&, std::span<const std::int32_t>, int,
                                   std::vector<KvPage>, std::function<void(int)> done) {
  done(0);
}
JEVONS_WEAK int PrefixCache::evict(int n_pages) {
  int n = 0;
  for (auto at = state_->entries.end(); n < n_pages && at != state_->entries.begin();) {
    --at;
    while (n < n_pages && !at->pages.empty() && at->pages.back().use_count() == 1) {
      at->pages.pop_back();
      at->tokens.resize(std::min(at->tokens.size(), at->pages.size() * 64));
      ++n;
    }
    if (at->pages.empty()) at = state_->entries.erase(at);
  }
  return n;
}
JEVONS_WEAK int PrefixCache::n_evictable_pages() const {
  int n = 0;
  for (const State::Entry& entry : state_->entries) {
    for (auto page = entry.pages.rbegin(); page != entry.pages.rend() && page->use_count() == 1;
         ++page) {
      ++n;
    }
  }
  return n;
}

}  // namespace jevons
