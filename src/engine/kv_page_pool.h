// A fixed number of pages for keys and values. Memory is taken when a page is first needed and
// kept for reuse; a page comes back by itself when its last holder lets go.
//
// Any thread: pages are also let go by the thread that writes them to disk. Pages may outlive the
// pool.
#pragma once

#include <cstddef>
#include <memory>

#include "model/kv_cache.h"

namespace jevons {

class KvPagePool {
 public:
  KvPagePool(std::size_t page_bytes, int n_pages);

  /// Null if all pages are held. What is in the page is not defined.
  [[nodiscard]] KvPage acquire();

  [[nodiscard]] std::size_t page_bytes() const;
  [[nodiscard]] int n_pages() const;
  [[nodiscard]] int n_free() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the pages that are out
};

}  // namespace jevons
