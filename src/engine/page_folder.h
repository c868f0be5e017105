// The folder on disk that holds the pages of one model and KV type, and its neighbours:
//   <folder>/written-today           bytes written today (write_budget.h)
//   <folder>/<fingerprint>/lock      held while a process uses the folder; names the process
//   <folder>/<fingerprint>/page.partial
//   <folder>/<fingerprint>/xx/<hash>-<parent>.kv
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/page_file.h"

namespace jevons {

class PageFolder {
 public:
  /// Makes the folder if need be, takes its lock and removes what an interrupted write left.
  /// Errors: it cannot be made or written, or another process holds it.
  [[nodiscard]] static Result<std::unique_ptr<PageFolder>> open(const std::string& folder,
                                                                std::string_view fingerprint,
                                                                std::size_t page_bytes);
  PageFolder(const PageFolder&) = delete;
  PageFolder& operator=(const PageFolder&) = delete;
  /// Gives the lock back.
  ~PageFolder();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return kPageHeaderBytes + page_bytes_; }

  struct Listed {
    PageHash hash, parent;
    std::int64_t mtime_ns;
  };
  /// By name, length and time; no file is opened. Those of a wrong length are removed and counted.
  [[nodiscard]] std::vector<Listed> list(std::uint64_t* n_bad);

  enum class ReadOutcome : std::uint8_t { kGood, kBad, kFailed };
  /// Fills `page` (page_bytes) with what was written under these names, or says why not in `why`:
  /// the file is not that (kBad), or the system could not read it (kFailed).
  [[nodiscard]] ReadOutcome read(const PageHash& hash, const PageHash& parent,
                                 std::span<const std::int32_t> tokens, std::span<std::byte> page,
                                 std::string* why) const;
  /// Errors name the file and the system's reason; nothing is left behind then.
  [[nodiscard]] Result<void> write(const PageHash& hash, const PageHash& parent,
                                   std::span<const std::int32_t> tokens,
                                   std::span<const std::byte> page) const;
  void remove(const PageHash& hash, const PageHash& parent) const;
  void touch(const PageHash& hash, const PageHash& parent) const;
  [[nodiscard]] std::string file_path(const PageHash& hash, const PageHash& parent) const;

  /// Folders of other models or KV types that no process uses, the one used longest ago first.
  struct Neighbour {
    std::string path;
    std::uint64_t bytes;
    std::int64_t used_ns;
  };
  [[nodiscard]] std::vector<Neighbour> neighbours() const;
  /// Leaves it alone if a process has taken it meanwhile, and what is not ours in any case.
  static void remove_neighbour(const Neighbour& neighbour);

 private:
  PageFolder(std::string path, std::string_view fingerprint, std::size_t page_bytes, int lock_fd);
  [[nodiscard]] Result<void> write_partial(const PageHeaderBytes& header,
                                           std::span<const std::byte> page) const;

  std::string path_;
  Sha256 fingerprint_;
  std::size_t page_bytes_;
  int lock_fd_;
};

}  // namespace jevons
