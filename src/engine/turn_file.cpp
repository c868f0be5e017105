#include "engine/turn_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "base/atomic_file.h"
#include "engine/page_hash.h"

namespace jevons {
namespace {

constexpr std::string_view kVersion = "jevons turns 1\n";
constexpr std::size_t kChecksumBytes = 16;
constexpr std::size_t kRecordHeadBytes = sizeof(std::uint32_t) + kChecksumBytes;
constexpr std::size_t kMostQueuedBytes = std::size_t{16} << 20;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string file_head(std::string_view fingerprint) {
  const Sha256 hash = sha256({std::as_bytes(std::span(fingerprint))});
  return std::string(kVersion) + std::string(text_of(hash));
}

std::string checksum(std::string_view payload) {
  const Sha256 hash = sha256({std::as_bytes(std::span(payload))});
  return std::string(text_of(hash).substr(0, kChecksumBytes));
}

void append_number(std::string& bytes, std::size_t number) {
  const auto value = static_cast<std::uint32_t>(number);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::uint32_t read_number(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::string encode_record(const TurnRecord& record) {
  std::string payload;
  for (const std::string* text : {&record.key, &record.opening, &record.reasoning}) {
    append_number(payload, text->size());
  }
  append_number(payload, record.ids.size());
  payload += record.key + record.opening + record.reasoning;
  payload += text_of(std::as_bytes(std::span(record.ids)));
  std::string bytes;
  append_number(bytes, payload.size());
  bytes += checksum(payload);
  return bytes + payload;
}

/// The lengths inside are checked, too: a checksum says only that the bytes are as they were
/// written.
std::optional<TurnRecord> decode_payload(std::string_view payload) {
  constexpr std::size_t kLengths = 4;
  if (payload.size() < kLengths * sizeof(std::uint32_t)) return std::nullopt;
  std::array<std::size_t, kLengths> lengths{};
  for (std::size_t i = 0; i < kLengths; ++i) lengths[i] = read_number(payload, i * 4);
  payload.remove_prefix(kLengths * sizeof(std::uint32_t));
  const std::size_t id_bytes = lengths[3] * sizeof(std::int32_t);
  if (lengths[0] + lengths[1] + lengths[2] + id_bytes != payload.size()) return std::nullopt;
  TurnRecord record;
  std::string* const texts[] = {&record.key, &record.opening, &record.reasoning};
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    *texts[i] = payload.substr(0, lengths[i]);
    payload.remove_prefix(lengths[i]);
  }
  record.ids.resize(lengths[3]);
  if (id_bytes > 0) std::memcpy(record.ids.data(), payload.data(), id_bytes);
  return record;
}

/// Appends the records that `bytes` begins with; returns how many bytes they take.
std::size_t decode_records(std::string_view bytes, std::vector<TurnRecord>& records) {
  std::size_t at = 0;
  while (bytes.size() - at >= kRecordHeadBytes) {
    const std::size_t length = read_number(bytes, at);
    if (length > bytes.size() - at - kRecordHeadBytes) break;
    const std::string_view payload = bytes.substr(at + kRecordHeadBytes, length);
    if (bytes.substr(at + sizeof(std::uint32_t), kChecksumBytes) != checksum(payload)) break;
    auto record = decode_payload(payload);
    if (!record) break;
    records.push_back(*std::move(record));
    at += kRecordHeadBytes + length;
  }
  return at;
}

/// The bytes of `path` that are as they were written; 0 if there is no such file, or not of ours.
Result<std::uint64_t> read_turns(const std::string& path, std::string_view head,
                                 std::vector<TurnRecord>& records) {
  if (::access(path.c_str(), F_OK) != 0) return 0;
  JEVONS_ASSIGN(const std::string bytes, read_file(path));
  if (!bytes.starts_with(head)) {
    if (!bytes.empty()) {
      spdlog::warn("{} is of another model or version: conversations begin anew", path);
    }
    return 0;
  }
  const std::size_t whole =
      head.size() + decode_records(std::string_view(bytes).substr(head.size()), records);
  if (whole < bytes.size()) {
    spdlog::warn("{}: the last {} bytes are damaged and left out", path, bytes.size() - whole);
  }
  return whole;
}

}  // namespace

// The mutex guards the queue; the file is the thread's alone after open().
struct TurnFile::State {
  std::string path, head;
  std::uint64_t max_bytes = 0;
  int fd = -1;
  std::uint64_t n_bytes = 0;  // of the file that are whole
  bool has_failed = false;

  std::mutex mutex;
  std::condition_variable work_came, work_done;
  std::deque<std::string> queue;  // the first one stays until it is written
  std::size_t queued_bytes = 0;
  bool stopping = false;
  std::thread thread;

  ~State() {
    if (fd >= 0) ::close(fd);
  }

  /// Opens `path` and cuts it to its first `whole` bytes; 0: begins it anew.
  Result<void> begin(std::uint64_t whole) {
    if (fd >= 0) ::close(fd);
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(whole)) != 0) {
      return fail("cannot write {}: {}", path, std::strerror(errno));
    }
    n_bytes = whole;
    if (whole == 0) return write(head);
    return {};
  }

  Result<void> write(std::string_view bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        const int reason = errno;
        // What is torn is found when it is read again if this fails, too.
        static_cast<void>(::ftruncate(fd, static_cast<off_t>(n_bytes)) == 0);
        return fail("cannot write {}: {}", path, std::strerror(reason));
      }
      done += static_cast<std::size_t>(n);
    }
    n_bytes += bytes.size();
    return {};
  }

  Result<void> add(std::string_view record) {
    if (n_bytes + record.size() > max_bytes && n_bytes > head.size()) {
      if (std::rename(path.c_str(), (path + ".before").c_str()) != 0) {
        return fail("cannot move {}: {}", path, std::strerror(errno));
      }
      n_bytes = 0;
    }
    if (n_bytes == 0) JEVONS_TRY(begin(0));
    return write(record);
  }

  void run() {
    ::pthread_setname_np(::pthread_self(), "turn file");
    std::unique_lock lock(mutex);
    while (true) {
      work_came.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      const std::string record = queue.front();
      lock.unlock();
      const auto added = add(record);
      if (!added && !has_failed) spdlog::warn("{}", added.error().message);
      has_failed = !added;
      lock.lock();
      queued_bytes -= record.size();
      queue.pop_front();
      work_done.notify_all();
    }
  }
};

TurnFile::TurnFile(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([held = state_.get()] { held->run(); });
}

TurnFile::~TurnFile() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_came.notify_all();
  state_->thread.join();
}

Result<std::unique_ptr<TurnFile>> TurnFile::open(const std::string& path,
                                                 std::string_view fingerprint,
                                                 std::uint64_t max_bytes,
                                                 std::vector<TurnRecord>& records) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->head = file_head(fingerprint);
  state->max_bytes = max_bytes;
  JEVONS_TRY(read_turns(path + ".before", state->head, records));
  JEVONS_ASSIGN(const std::uint64_t whole, read_turns(path, state->head, records));
  JEVONS_TRY(state->begin(whole));
  return std::unique_ptr<TurnFile>(new TurnFile(std::move(state)));
}

void TurnFile::append(const TurnRecord& record) {
  std::string bytes = encode_record(record);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->queued_bytes + bytes.size() > kMostQueuedBytes) return;
    state_->queued_bytes += bytes.size();
    state_->queue.push_back(std::move(bytes));
  }
  state_->work_came.notify_one();
}

void TurnFile::flush(double timeout_ms) {
  std::unique_lock lock(state_->mutex);
  state_->work_done.wait_for(lock, std::chrono::duration<double, std::milli>(timeout_ms),
                             [this] { return state_->queue.empty(); });
}

}  // namespace jevons
