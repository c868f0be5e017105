#include "app/machine_measure.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>

#include "base/file_descriptor.h"
#include "base/memory_info.h"
#include "base/thread_pool.h"
#include "base/wall_clock.h"
#include "convert/throughput.h"
#include "kernels/kernel_set.h"
#include "meter/machine_probe.h"
#include "weights/m2_tensor_names.h"

namespace jevons {
namespace {

// A projection of an expert of M2.5 in Q4_K.
constexpr std::uint64_t kPieceBytes = std::uint64_t{3072} * 1536 / 256 * 144;
constexpr std::uint64_t kSampleBytes = std::uint64_t{512} << 20;
constexpr int kDepth = 16;  // reads under way, as `jevons bench` has them
constexpr double kSeconds = 2;

// A file without a name in the folder: it is gone with its descriptor, however this program ends.
Result<FileDescriptor> nameless_file(const std::string& folder) {
  const int direct = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (direct >= 0) return FileDescriptor(direct);
  std::string name = folder + "/.jevons-disk-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) return fail("{}: {}", folder, std::strerror(errno));
  ::unlink(name.c_str());
  return FileDescriptor(named);
}

// Bytes that no disk can make smaller.
Result<void> fill(int fd, const std::string& folder) {
  std::vector<std::uint64_t> block((std::size_t{4} << 20) / sizeof(std::uint64_t));
  std::mt19937_64 random(1);
  for (std::uint64_t done = 0; done < kSampleBytes;) {
    for (std::uint64_t& word : block) word = random();
    const auto* bytes = reinterpret_cast<const char*>(block.data());
    const ssize_t n = ::write(fd, bytes, block.size() * sizeof(std::uint64_t));
    if (n <= 0) return fail("{}: {}", folder, std::strerror(errno));
    done += static_cast<std::uint64_t>(n);
  }
  if (::fsync(fd) != 0) return fail("{}: {}", folder, std::strerror(errno));
  return {};
}

Result<double> measure_folder(const std::string& folder) {
  struct ::statvfs space{};
  if (::statvfs(folder.c_str(), &space) != 0) return fail("{}: {}", folder, std::strerror(errno));
  const std::uint64_t n_free = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (n_free < 4 * kSampleBytes) {
    return fail("{} has {} left, and measuring its disk takes {} for a moment", folder,
                memory_text(n_free), memory_text(kSampleBytes));
  }
  JEVONS_ASSIGN(const FileDescriptor file, nameless_file(folder));
  JEVONS_TRY(fill(file.get(), folder));
  std::vector<DiskPiece> pieces;
  for (std::uint64_t at = 0; at + kPieceBytes <= kSampleBytes; at += kPieceBytes) {
    pieces.push_back({0, at, kPieceBytes});
  }
  return measure_disk_speed({fmt::format("/proc/self/fd/{}", file.get())}, pieces, kDepth,
                            kSeconds);
}

Result<MachineFacts::Disk> measure_disk(const DiskSample& sample, std::int64_t now) {
  MachineFacts::Disk disk{sample.device, {}, kPieceBytes, now};
  if (sample.paths.empty()) {
    JEVONS_ASSIGN(disk.bytes_per_second.value, measure_folder(sample.folder));
  } else {
    disk.read_bytes = sample.pieces.empty() ? 0 : sample.pieces.front().n_bytes;
    JEVONS_ASSIGN(disk.bytes_per_second.value,
                  measure_disk_speed(sample.paths, sample.pieces, kDepth, kSeconds));
  }
  disk.bytes_per_second.source =
      fmt::format("measured: {} reads of {:.1f} MB at once in random order, past the page cache",
                  kDepth, static_cast<double>(disk.read_bytes) / 1e6);
  return disk;
}

// Small experts say nothing about large ones, and holes in a file are not read at all.
bool is_worth_reading(const std::vector<DiskPiece>& pieces, const ModelFile& file) {
  constexpr std::uint64_t kLeastPiece = std::uint64_t{1} << 20;
  if (pieces.empty() || pieces.front().n_bytes < kLeastPiece) return false;
  if (pieces.size() * pieces.front().n_bytes < kSampleBytes) return false;
  std::uint64_t on_disk = 0;
  for (const std::string& path : file.paths()) {
    struct ::stat status{};
    constexpr std::uint64_t kUnit = 512;  // of st_blocks, whatever the file system's blocks are
    if (::stat(path.c_str(), &status) == 0)
      on_disk += kUnit * static_cast<std::uint64_t>(status.st_blocks);
  }
  return on_disk > file.n_bytes() / 10 * 9;
}

// The processor and memory.
MachineFacts measure_machine(const std::string& identity, std::int64_t now,
                             const MeasureOptions& options) {
  const auto tell = [&](const char* what) {
    if (options.progress) options.progress(what);
  };
  MachineFacts facts;
  facts.is_measured = true;
  facts.name = "this machine";
  facts.identity = identity;
  facts.measured_at = now;
  facts.n_cores = available_cpus();
  facts.description = processor_name();
  facts.kernels = kernels::best_kernel_set().name;
  facts.instruction_sets = processor_features();
  facts.ram_bytes = {static_cast<double>(memory_info().total_bytes), "/proc/meminfo or the cgroup"};
  tell("measuring memory");
  const char* reading = "measured: reading a buffer of up to 1 GiB on 4 kB pages, best of ten";
  facts.bandwidth_one = {measure_memory_bandwidth(1, PageSize::kSmall),
                         fmt::format("{}, one thread", reading)};
  facts.bandwidth_all = {measure_memory_bandwidth(facts.n_cores, PageSize::kSmall),
                         fmt::format("{}, {} threads", reading, facts.n_cores)};
  tell("measuring arithmetic");
  const auto peak = [&](const char* of) {
    return fmt::format("measured: a loop of independent sums of {} in registers, {} threads", of,
                       facts.n_cores);
  };
  facts.int8_peak = {measure_int8_peak(facts.n_cores), peak("8-bit products")};
  facts.f32_peak = {measure_f32_peak(facts.n_cores), peak("32-bit float products")};
  return facts;
}

std::string identity_of(const MemoryInfo& memory) {
  return machine_identity(available_cpus(), memory.total_bytes);
}

SourcedFigure available_now(const MemoryInfo& memory) {
  return {static_cast<double>(memory.available_bytes),
          "/proc/meminfo or the cgroup, at this moment"};
}

}  // namespace

DiskSample sample_of_file(const ModelFile& file) {
  DiskSample sample;
  sample.device = device_of(file.path());
  for (const GgufTensor* tensor : file.tensors()) {
    if (!is_expert_group(tensor_role(tensor->name).group) || tensor->shape.size() < 3) continue;
    const auto n_experts = static_cast<std::uint64_t>(tensor->shape[2]);
    const std::uint64_t n_bytes = tensor->n_bytes / n_experts;
    const FilePlace place = file.place_of(tensor->data);
    for (std::uint64_t i = 0; i < n_experts; ++i) {
      sample.pieces.push_back({place.shard, place.offset + i * n_bytes, n_bytes});
    }
  }
  if (is_worth_reading(sample.pieces, file)) {
    sample.paths = file.paths();
  } else {
    sample.pieces.clear();
  }
  const std::size_t slash = file.path().rfind('/');
  sample.folder = slash == std::string::npos ? "." : file.path().substr(0, slash + 1);
  return sample;
}

DiskSample sample_of_folder(const std::string& folder) {
  return {device_of(folder), {}, {}, folder};
}

std::optional<MachineFacts> known_machine(const std::string& cache_path) {
  const MemoryInfo memory = memory_info();
  auto facts = load_machine_facts(cache_path, identity_of(memory), unix_seconds());
  if (facts) facts->ram_available_bytes = available_now(memory);
  return facts;
}

MeasuredMachine measured_machine(const DiskSample& sample, const MeasureOptions& options) {
  MeasuredMachine machine;
  const MemoryInfo memory = memory_info();
  const std::int64_t now = unix_seconds();
  std::optional<MachineFacts> known;
  if (!options.again) known = known_machine(options.cache_path);
  bool is_new = !known;
  machine.facts = known ? std::move(*known) : measure_machine(identity_of(memory), now, options);
  MachineFacts& facts = machine.facts;
  if (options.needs_disk && facts.disk(sample.device) == nullptr) {
    if (options.progress) options.progress("measuring the disk");
    auto disk = measure_disk(sample, now);
    if (disk) {
      facts.disks.push_back(std::move(*disk));
      is_new = true;
    } else {
      machine.notes.push_back("the disk was not measured: " + disk.error().message);
    }
  }
  facts.gpus = find_gpus();
  if (is_new && !options.cache_path.empty()) {
    const Result<void> saved = save_machine_facts(options.cache_path, facts);
    if (!saved) machine.notes.push_back("the figures were not kept: " + saved.error().message);
  }
  facts.ram_available_bytes = available_now(memory);
  return machine;
}

}  // namespace jevons
