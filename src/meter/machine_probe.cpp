#include "meter/machine_probe.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace jevons {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFeatures = {"avx2",     "fma",         "avx_vnni",    "avx512f",
                                  "avx512bw", "avx512_vnni", "avx512_bf16", "amx_int8",
                                  "amx_bf16", "asimddp",     "i8mm",        "sve"};

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

// The value of the first "KEY : value" line.
std::string value_of(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && trimmed(line.substr(0, colon)) == key) {
      return trimmed(line.substr(colon + 1));
    }
  }
  return "";
}

std::uint64_t number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

const char* vendor_name(const std::string& id) {
  if (id == "0x1002") return "AMD";
  if (id == "0x8086") return "Intel";
  if (id == "0x10de") return "NVIDIA";
  return nullptr;
}

}  // namespace

std::string processor_name(const std::string& root) {
  const fs::path info = root + "/proc/cpuinfo";
  for (const char* key : {"model name", "Model", "Hardware"}) {
    const std::string name = value_of(info, key);
    if (!name.empty()) return name;
  }
  return "unknown processor";
}

std::vector<std::string> processor_features(const std::string& root) {
  std::string all = value_of(root + "/proc/cpuinfo", "flags");
  if (all.empty()) all = value_of(root + "/proc/cpuinfo", "Features");  // 64-bit ARM
  std::istringstream words(all);
  std::vector<std::string> found;
  for (std::string word; words >> word;) {
    if (std::find(kFeatures.begin(), kFeatures.end(), word) != kFeatures.end()) {
      found.push_back(word);
    }
  }
  return found;
}

std::string machine_identity(int n_cores, std::uint64_t ram_bytes, const std::string& root) {
  std::string id = first_line(root + "/etc/machine-id");
  if (id.empty()) id = first_line(root + "/proc/sys/kernel/hostname");
  const std::string facts =
      fmt::format("{}|{}|{}|{}", id, processor_name(root), n_cores, ram_bytes >> 28);
  return fmt::format("{:016x}", XXH3_64bits(facts.data(), facts.size()));
}

std::vector<MachineFacts::Gpu> find_gpus(const std::string& root) {
  std::vector<MachineFacts::Gpu> gpus;
  for (const fs::path& folder : entries_of(root + "/proc/driver/nvidia/gpus")) {
    const std::string model = value_of(folder / "information", "Model");
    if (!model.empty()) gpus.push_back({model, 0});
  }
  const bool has_nvidia = !gpus.empty();
  for (const fs::path& card : entries_of(root + "/sys/class/drm")) {
    const std::string name = card.filename().string();
    // card0, but not its outputs, card0-HDMI-A-1.
    if (!name.starts_with("card") || name.find('-') != std::string::npos) continue;
    const char* vendor = vendor_name(first_line(card / "device/vendor"));
    if (vendor == nullptr || (has_nvidia && vendor == std::string_view("NVIDIA"))) continue;
    const std::string product = first_line(card / "device/product_name");
    const std::string device = first_line(card / "device/device");
    gpus.push_back({fmt::format("{} {}", vendor, product.empty() ? "graphics " + device : product),
                    number_in(card / "device/mem_info_vram_total")});
  }
  return gpus;
}

std::string device_of(const std::string& path, const std::string& root) {
  constexpr const char* kUnknown = "unknown device";
  struct ::stat status{};
  if (::stat(path.c_str(), &status) != 0) return kUnknown;
  const std::string number =
      fmt::format("{}:{}", ::gnu_dev_major(status.st_dev), ::gnu_dev_minor(status.st_dev));
  std::error_code error;
  const fs::path block = root + "/sys/dev/block/" + number;
  const fs::path device = fs::canonical(block, error);
  if (!error) {
    const bool is_partition = fs::exists(device / "partition", error);
    const fs::path disk = is_partition ? device.parent_path() : device;
    return "/dev/" + disk.filename().string();
  }
  // File systems without a disk of their own: the kind that /proc names for the mount.
  std::ifstream mounts(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id, parent, major_minor;
    words >> id >> parent >> major_minor;
    if (major_minor != number) continue;
    const std::size_t dash = line.find(" - ");
    std::istringstream rest(dash == std::string::npos ? "" : line.substr(dash + 3));
    std::string kind, source;
    rest >> kind >> source;
    if (source.starts_with("/dev/")) return source;
    return kind.empty() ? kUnknown : kind;
  }
  return kUnknown;
}

}  // namespace jevons
