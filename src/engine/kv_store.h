// Pages of keys and values on disk: one file a page, named by a hash that stands for all tokens up
// to the page's end, the model, the KV type and the scope.
//
// A file that is torn, changed, of another version, model or type is a miss with a line in the log,
// never an answer. Writing is behind: write() returns at once. Any thread; one thread of its own
// reads and writes.
#pragma once

#include <array>
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
#include "model/kv_cache.h"

namespace jevons {

/// SHA-256, of which 20 bytes count.
using PageHash = std::array<std::byte, 20>;

struct KvStoreOptions {
  std::string folder;
  std::string fingerprint;  // of the model and the KV type
  std::size_t page_bytes = 0;
  std::uint64_t max_bytes = 0;
  std::uint64_t daily_write_bytes = 0;  // 0: no limit. Counted over restarts
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

  /// The hash that `scope`'s first page follows, and that of a page behind `parent`.
  [[nodiscard]] PageHash root(std::string_view scope) const;
  [[nodiscard]] static PageHash next(const PageHash& parent, std::span<const std::int32_t> tokens);

  [[nodiscard]] bool contains(const PageHash& hash) const;

  /// Queues one page; left out, with a counter, where the queue is full or a limit is reached. The
  /// page is held until it is written, and must not be changed by anybody.
  void write(const PageHash& hash, const PageHash& parent, std::span<const std::int32_t> tokens,
             KvPage page);

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
