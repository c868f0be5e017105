// Keys and values that were computed before, found by the tokens that they belong to: a radix tree
// of pages of 64 tokens, and the same pages on disk.
//
// One thread, the engine's. Pages are shared with sequences by KvPage; the cache never writes into
// a page, and gives up only pages that it alone holds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/completion.h"
#include "engine/kv_store.h"
#include "model/kv_cache.h"

namespace jevons {

/// Whose pages may be found: those of `scope`, and of the first n_shared tokens also those that any
/// scope computed as such.
struct PrefixScope {
  std::string scope;
  int n_shared = 0;
};

struct PrefixMatch {
  int n_tokens = 0;           // longest common prefix of the prompt with what is in memory
  std::vector<KvPage> pages;  // n_tokens / 64 whole pages, to be shared as they are
  KvPage partial;             // null, or a page whose first n_tokens % 64 tokens are right: copy it
  int n_disk_tokens = 0;      // what the store can add after that: whole pages of it, from page
                              // n_tokens / 64 on (a partial match there is then superseded)
  std::optional<CacheReport::Break> broke_at;
};

class PrefixCache {
 public:
  /// `store` may be null (nothing on disk) and must outlive the cache.
  explicit PrefixCache(KvStore* store);
  ~PrefixCache();

  /// Of `tokens` at most all but the last: its logits are wanted. Marks what it finds as used.
  [[nodiscard]] PrefixMatch match(const PrefixScope& scope, std::span<const std::int32_t> tokens);

  /// The same prefix only counted: nothing is marked, no page is held.
  [[nodiscard]] int count(const PrefixScope& scope, std::span<const std::int32_t> tokens) const;

  /// tokens.size() tokens whose keys and values `pages` holds; the last page may be partly filled.
  /// From then on nobody may write into them. Pages that are already there stay (the sequence may
  /// go on with its own copies); a partly filled one gives way to one with more. Whole pages are
  /// written behind to the store if `keep_on_disk`.
  void insert(const PrefixScope& scope, std::span<const std::int32_t> tokens,
              std::span<const KvPage> pages, bool keep_on_disk);

  /// Starts reading the pages that PrefixMatch::n_disk_tokens promised into `pages` (allocated by
  /// the caller). `done` is called on the store's thread with the number of pages that were whole
  /// and right, from the first on; the caller then inserts them.
  void load(const PrefixScope& scope, std::span<const std::int32_t> tokens, int first_page,
            std::vector<KvPage> pages, std::function<void(int n_good_pages)> done);

  /// Hands pages that wait to the store, as far as it has room; every other call does so too.
  /// Returns how many still wait. A page that is evicted before its turn is not written.
  int write_behind();

  /// Drops what is cached of `tokens` but the first n_sound, in whole pages, and all that goes on
  /// from there, on disk too: for keys and values that turned out wrong. Who holds pages keeps
  /// them.
  void forget(const PrefixScope& scope, std::span<const std::int32_t> tokens, int n_sound);

  /// Gives back at least `n_pages` pages that nobody else holds, if there are so many: leaves of
  /// the tree first, those used least and longest ago first; prefixes that several conversations
  /// share stay longest. Returns how many. Looks at each page in use once a call: ask for several.
  int evict(int n_pages);

  [[nodiscard]] int n_pages() const;            // in the tree
  [[nodiscard]] int n_evictable_pages() const;  // of those, what evict() could give back now
  /// Aborts if an invariant of the tree is broken. For tests and idle moments.
  void check_integrity() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jevons
