// What the kernel says about this machine without measuring: the processor, its instruction sets,
// GPUs, and which disk a folder is on. Reads /proc, /sys and /etc below `root`, which is "" but in
// tests. Never fails: what cannot be read is left empty. Any thread.
#pragma once

#include <string>
#include <vector>

#include "meter/machine_facts.h"

namespace jevons {

/// The processor's name for people; "unknown processor" if the kernel does not say.
[[nodiscard]] std::string processor_name(const std::string& root = "");

/// Of the sets that matter to inference, those that the kernel lists: "avx2", "amx_int8", "i8mm".
[[nodiscard]] std::vector<std::string> processor_features(const std::string& root = "");

/// Differs between machines, and after another processor or more memory was put in. A hash: does
/// not tell the machine's id.
[[nodiscard]] std::string machine_identity(int n_cores, std::uint64_t ram_bytes,
                                           const std::string& root = "");

/// NVIDIA's from its driver's files, others from the graphics devices in /sys.
[[nodiscard]] std::vector<MachineFacts::Gpu> find_gpus(const std::string& root = "");

/// The device that holds a file or folder: "/dev/vda", "tmpfs"; "unknown device" if it cannot be
/// told. Partitions of one disk are that disk.
[[nodiscard]] std::string device_of(const std::string& path, const std::string& root = "");

}  // namespace jevons
