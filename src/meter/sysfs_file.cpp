#include "meter/sysfs_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/file_descriptor.h"
#include "base/utf8.h"

namespace jevons {
namespace {

std::unexpected<SysfsProblem> problem_of(const std::string& path, int code) {
  using enum SysfsProblem::Kind;
  const auto kind = code == ENOENT || code == ENOTDIR ? kAbsent
                    : code == EACCES || code == EPERM ? kForbidden
                                                      : kUnreadable;
  return std::unexpected(SysfsProblem{kind, fmt::format("{}: {}", path, std::strerror(code))});
}

}  // namespace

std::expected<std::string, SysfsProblem> read_sysfs(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return problem_of(path, errno);
  std::array<char, 512> bytes;
  const ::ssize_t n = ::read(file.get(), bytes.data(), bytes.size());
  if (n < 0) return problem_of(path, errno);
  std::string text(bytes.data(), static_cast<std::size_t>(n));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::expected<std::int64_t, SysfsProblem> read_sysfs_number(const std::string& path) {
  auto text = read_sysfs(path);
  if (!text) return std::unexpected(std::move(text).error());
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, problem] = std::from_chars(text->data(), end, value);
  if (problem != std::errc{} || stop != end) {
    return std::unexpected(SysfsProblem{
        SysfsProblem::Kind::kUnreadable,
        fmt::format("{} has '{}', and must have a whole number", path, utf8_sanitize(*text))});
  }
  return value;
}

std::vector<std::string> sysfs_entries(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.starts_with(prefix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace jevons
