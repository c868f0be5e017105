// What a machine can do, as far as a plan needs it: measured on this one and kept in a file, or the
// specification of one that is not here. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace jevons {

/// A number and where it comes from; 0 if it is not known.
struct SourcedFigure {
  double value = 0;
  std::string source;
};

struct MachineFacts {
  std::string name;              // "this machine", "laptop-32gb"
  std::string description;       // the processor, or what a preset stands for
  bool is_measured = false;      // else modelled
  std::string identity;          // of a measured one: another machine has another
  std::int64_t measured_at = 0;  // seconds since 1970, UTC; 0: not measured

  SourcedFigure ram_bytes;            // in all
  SourcedFigure ram_available_bytes;  // that can be had without swapping; never kept in the file
  int n_cores = 0;
  std::string kernels;                        // "avx2": the instruction set that is computed with
  std::vector<std::string> instruction_sets;  // that the processor has, of those that matter
  // Bytes per second of reading memory, one thread and all cores.
  SourcedFigure bandwidth_one, bandwidth_all;
  // Multiplications and additions per second, all cores: of 8-bit integers, of 32-bit floats.
  SourcedFigure int8_peak, f32_peak;

  /// Reading pieces of the size of an expert's projection in random order past the page cache.
  struct Disk {
    std::string device;  // "/dev/nvme0n1", as the kernel names it; of a preset "disk"
    SourcedFigure bytes_per_second;
    std::uint64_t read_bytes = 0;  // size of one read
    std::int64_t measured_at = 0;
  };
  std::vector<Disk> disks;

  struct Gpu {
    std::string name;
    std::uint64_t memory_bytes = 0;  // 0 if the driver does not say
  };
  std::vector<Gpu> gpus;  // for information: Jevons computes on the processor

  /// nullptr if that disk was not measured.
  [[nodiscard]] const Disk* disk(std::string_view device) const;
};

/// As kept in the file; sources and all but what changes by the minute.
[[nodiscard]] std::string machine_facts_json(const MachineFacts& facts);

/// Errors name `file_name` and what is wrong with it.
[[nodiscard]] Result<MachineFacts> parse_machine_facts(std::string_view json,
                                                       const std::string& file_name);

/// The facts in `path` if they are of this machine and of the last 30 days before `now`. Nothing if
/// they are not, if there is no such file, or if it is damaged: measure anew.
[[nodiscard]] std::optional<MachineFacts> load_machine_facts(const std::string& path,
                                                             const std::string& identity,
                                                             std::int64_t now);

/// Makes the folder if it is missing. Errors name the path.
[[nodiscard]] Result<void> save_machine_facts(const std::string& path, const MachineFacts& facts);

}  // namespace jevons
