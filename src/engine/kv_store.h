// Pages of keys and values on disk: one file a page, named by a hash that stands for all tokens up
// to the page's end, the model, the KV type and the scope.
//
// A file that is torn, changed, of another version, model or type is a miss with a line in the log,
// never an answer. Writing is behind: write() returns at once. Any thread; one thread of its own
// reads and writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/completion.h"
#include "engine/page_hash.h"
#include "model/kv_cache.h"

namespace jevons {

struct KvStoreOptions {
  std::string folder;
  std::string fingerprint;  // of the model and the KV type
  std::size_t page_bytes = 0;
  std::uint64_t max_bytes = 0;           // of all files, those of other models included
  std::uint64_t daily_write_bytes = 0;   // 0: no limit. Counted over restarts
  std::uint64_t queue_bytes = 64 << 20;  // pages that wait to be written; at least 16 of them
  double pause_after_error_ms = 60'000;  // no writing for so long after a full or failing disk
};

class KvStore {
 public:
  /// Makes the folder if need be, removes what an interrupted write left, and lists what is there
  /// by name alone. Errors: a folder that cannot be made or written, or is in use by another
  /// process with the same fingerprint.
  [[nodiscard]] static Result<std::unique_ptr<KvStore>> open(const KvStoreOptions& options);
  /// Ends after the page at hand; what still waited to be written is lost.
  ~KvStore();
  KvStore(const KvStore&) = delete;
  KvStore& operator=(const KvStore&) = delete;

  /// What the first page follows that all scopes may find. From there on, page by page, hashes are
  /// those of page_hash.h.
  [[nodiscard]] const PageHash& shared_root() const;

  /// On disk, ready to be read.
  [[nodiscard]] bool contains(const PageHash& hash) const;
  /// On disk or on its way there; counts as a use.
  bool mark_used(const PageHash& hash);
  /// Whether write() would take a page now: the queue is not full, no limit reached, no error
  /// fresh.
  [[nodiscard]] bool has_room() const;

  /// Queues one page; left out, with a counter, where there is no room. The page is held until it
  /// is written, and must not be changed by anybody. `parent` is the page before it, or a root; a
  /// page goes from the disk before its parent does.
  void write(const PageHash& hash, const PageHash& parent, std::span<const std::int32_t> tokens,
             KvPage page);

  /// Removes a page, also one that waits to be written.
  void remove(const PageHash& hash, const PageHash& parent);

  struct PageRead {
    PageHash hash, parent;
    std::vector<std::int32_t> tokens;  // must be those in the file
    KvPage page;                       // is filled
  };
  /// Reads pages in order, stops at the first that is not right; `done` gets how many were. Called
  /// on the store's thread. Reads go before writes.
  void read(std::vector<PageRead> pages, std::function<void(int n_good)> done);

  /// Waits until the queue is empty or the time is over.
  void flush(double timeout_ms);
  [[nodiscard]] EngineStatus::Disk status() const;

 private:
  struct State;
  explicit KvStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
