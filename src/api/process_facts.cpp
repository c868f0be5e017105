#include "api/process_facts.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace jevons {
namespace {

// Seconds between the start of the machine and that of this process, and the number of threads,
// from /proc/self/stat: fields 22 and 20, counted from 1, behind a name in parentheses.
void read_stat(ProcessFacts& facts) {
  std::ifstream file("/proc/self/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string field;
  double start_ticks = 0;
  for (int number = 3; fields >> field; ++number) {
    if (number == 20) facts.n_threads = std::atoi(field.c_str());
    if (number == 22) start_ticks = std::atof(field.c_str());
  }
  timespec now{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto seconds = [](const timespec& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  facts.started_at = seconds(now) - seconds(since_boot) +
                     start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessFacts process_facts() {
  ProcessFacts facts;
  read_stat(facts);
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  std::ifstream statm("/proc/self/statm");
  std::uint64_t n_virtual_pages = 0, n_resident_pages = 0;
  if (statm >> n_virtual_pages >> n_resident_pages) {
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    facts.virtual_bytes = n_virtual_pages * page_bytes;
    facts.resident_bytes = n_resident_pages * page_bytes;
  }
  std::error_code error;
  for (std::filesystem::directory_iterator i("/proc/self/fd", error), end; !error && i != end;
       i.increment(error)) {
    ++facts.n_open_files;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.n_max_files = static_cast<int>(limit.rlim_cur);
  return facts;
}

}  // namespace jevons
