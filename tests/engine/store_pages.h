// Pages for tests of the store on disk: their content follows from the seed, so that any process
// can say what a page must hold. Also the log of a test, to count lines in.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/kv_store.h"

namespace jevons {

constexpr std::size_t kStorePageBytes = 1000;

/// One page of a chain, and all that its bytes depend on.
struct StorePage {
  PageHash hash{}, parent{};
  std::vector<std::int32_t> tokens;
  std::size_t n_bytes = kStorePageBytes;

  [[nodiscard]] KvPage content() const {
    std::seed_seq seed(tokens.begin(), tokens.end());
    std::mt19937 random(seed);
    auto page = std::make_shared<AlignedBuffer>(n_bytes);
    for (std::size_t i = 0; i < n_bytes; ++i) page->data()[i] = static_cast<std::byte>(random());
    return page;
  }
  [[nodiscard]] bool holds(const AlignedBuffer& page) const {
    return std::memcmp(page.data(), content()->data(), n_bytes) == 0;
  }
};

/// `n_pages` pages of the chain number `chain`, one behind the other.
inline std::vector<StorePage> make_chain(const PageHash& root, int chain, int n_pages,
                                         std::size_t n_bytes = kStorePageBytes) {
  std::vector<StorePage> pages;
  PageHash parent = root;
  for (int i = 0; i < n_pages; ++i) {
    StorePage page;
    page.parent = parent;
    page.tokens.assign(kernels::kKeysPerPage, chain);
    page.tokens.back() = i;
    page.hash = parent = next_page_hash(parent, page.tokens);
    page.n_bytes = n_bytes;
    pages.push_back(page);
  }
  return pages;
}

inline KvStoreOptions store_options(const std::string& folder) {
  return {.folder = folder,
          .fingerprint = "model q8_0",
          .page_bytes = kStorePageBytes,
          .max_bytes = std::uint64_t{1} << 30};
}

inline std::unique_ptr<KvStore> open_store(const KvStoreOptions& options) {
  auto store = KvStore::open(options);
  EXPECT_TRUE(store) << store.error().message;
  return std::move(*store);
}

inline void write_pages(KvStore& store, const std::vector<StorePage>& pages) {
  for (const StorePage& page : pages) {
    store.write(page.hash, page.parent, page.tokens, page.content());
  }
}

/// How many pages came back from the first on. Each of them must be right bit for bit.
inline int read_pages(KvStore& store, const std::vector<StorePage>& pages) {
  std::vector<KvStore::PageRead> reads;
  std::vector<KvPage> buffers;
  for (const StorePage& page : pages) {
    buffers.push_back(std::make_shared<AlignedBuffer>(page.n_bytes));
    reads.push_back({page.hash, page.parent, page.tokens, buffers.back()});
  }
  std::promise<int> done;
  auto answer = done.get_future();
  store.read(std::move(reads), [&done](int n_good) { done.set_value(n_good); });
  const int n_good = answer.get();
  for (int i = 0; i < n_good; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_TRUE(pages[at].holds(*buffers[at])) << "page " << i << " holds something else";
  }
  return n_good;
}

inline void flush(KvStore& store) { store.flush(60'000); }

/// All files of pages under `folder`, in a fixed order.
inline std::vector<std::filesystem::path> page_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".kv") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The program's log while it lives.
class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
    spdlog::set_pattern("%l: %v");
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() { spdlog::set_default_logger(before_); }

  /// Lines that contain `words`. No other thread may be about to log.
  [[nodiscard]] int count(const std::string& words) const {
    std::istringstream lines(stream_.str());
    int n_lines = 0;
    for (std::string line; std::getline(lines, line);) {
      n_lines += line.find(words) == std::string::npos ? 0 : 1;
    }
    return n_lines;
  }
  [[nodiscard]] std::string text() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace jevons
