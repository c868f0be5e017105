#include "api/stored_responses.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/stored_response_file.h"
#include "base/atomic_file.h"
#include "base/private_folder.h"

namespace jevons {
namespace {

namespace fs = std::filesystem;
using Pointer = std::shared_ptr<const StoredResponse>;

constexpr std::size_t kMaxWaitingFiles = 256;  // more than that: the disk does not keep up
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{64} << 20;

std::size_t n_bytes(const StoredResponse& response) {
  constexpr std::size_t kBookkeeping = 256;
  return kBookkeeping + response.id.size() + response.key_name.size() + response.response.size() +
         response.input.size();
}

}  // namespace

struct StoredResponses::State {
  explicit State(Options given) : options(std::move(given)) {}

  Options options;
  mutable std::mutex mutex;

  // In memory: the latest asked for in front.
  std::list<Pointer> recent;
  std::unordered_map<std::string, std::list<Pointer>::iterator> by_id;
  std::size_t n_memory = 0;

  // On disk, the oldest first.
  struct File {
    std::string name;
    std::uint64_t n_bytes;
  };
  std::deque<File> files;
  std::uint64_t n_disk = 0;

  std::deque<Pointer> waiting;  // to be written
  Pointer writing;
  bool writing_was_erased = false;
  bool stopping = false;
  std::condition_variable changed;
  std::thread writer;

  [[nodiscard]] bool has_folder() const { return !options.folder.empty(); }
  [[nodiscard]] std::string path(std::string_view name) const {
    return (fs::path(options.folder) / name).string();
  }

  void remember(const Pointer& response) {
    forget(response->id);
    n_memory += n_bytes(*response);
    recent.push_front(response);
    by_id[response->id] = recent.begin();
    while (n_memory > options.max_memory_bytes && recent.size() > 1) {
      const std::string oldest = recent.back()->id;
      forget(oldest);
    }
  }

  void forget(const std::string& id) {
    const auto found = by_id.find(id);
    if (found == by_id.end()) return;
    n_memory -= n_bytes(**found->second);
    recent.erase(found->second);
    by_id.erase(found);
  }

  /// What is there under this id, without asking whose it is.
  Pointer look_up(const std::string& id) {
    if (const auto found = by_id.find(id); found != by_id.end()) {
      recent.splice(recent.begin(), recent, found->second);
      return *found->second;
    }
    for (const Pointer& response : waiting) {
      if (response->id == id) return response;
    }
    if (writing != nullptr && writing->id == id) return writing_was_erased ? nullptr : writing;
    if (!has_folder()) return nullptr;
    const auto bytes = read_file(path(stored_file_name(id)), kMaxFileBytes);
    if (!bytes) return nullptr;
    auto response = read_stored_response(*bytes);
    if (!response || response->id != id) return nullptr;
    const auto pointer = std::make_shared<const StoredResponse>(*std::move(response));
    remember(pointer);
    return pointer;
  }

  void remove_oldest_files() {
    while (n_disk > options.max_disk_bytes && files.size() > 1) {
      std::error_code ignored;
      fs::remove(path(files.front().name), ignored);
      n_disk -= files.front().n_bytes;
      files.pop_front();
    }
  }

  void drop_file(const std::string& name) {
    std::error_code ignored;
    fs::remove(path(name), ignored);
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&name](const File& file) { return file.name == name; });
    if (found == files.end()) return;
    n_disk -= found->n_bytes;
    files.erase(found);
  }

  Result<void> read_folder();
  void write_files();
};

/// Old files, and what a killed program left half written, are removed.
Result<void> StoredResponses::State::read_folder() {
  JEVONS_TRY(make_private_folder(options.folder));
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  std::multimap<fs::file_time_type, File> by_time;
  for (fs::directory_iterator entry(options.folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with("resp_")) continue;
    std::error_code gone;
    const auto time = fs::last_write_time(entry->path(), gone);
    const std::uint64_t size = fs::file_size(entry->path(), gone);
    if (gone) continue;
    if (!name.ends_with(".json") || now - time > std::chrono::seconds(options.max_age_s)) {
      fs::remove(entry->path(), gone);
      continue;
    }
    by_time.emplace(time, File{name, size});
  }
  if (error) return fail("cannot read the folder {}: {}", options.folder, error.message());
  for (auto& [time, file] : by_time) {
    n_disk += file.n_bytes;
    files.push_back(std::move(file));
  }
  remove_oldest_files();
  return {};
}

/// The writer's thread. Ends when nothing waits and the store is closed.
void StoredResponses::State::write_files() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return !waiting.empty() || stopping; });
    if (waiting.empty()) return;
    writing = std::move(waiting.front());
    waiting.pop_front();
    writing_was_erased = false;
    const Pointer response = writing;
    lock.unlock();
    const std::string name = stored_file_name(response->id);
    const std::string bytes = stored_response_bytes(*response);
    const bool is_written = write_file_atomically(path(name), bytes, 0600).has_value();
    lock.lock();
    writing = nullptr;
    if (is_written) {
      files.push_back(File{name, bytes.size()});
      n_disk += bytes.size();
      if (writing_was_erased) drop_file(name);
      remove_oldest_files();
    }
    changed.notify_all();
  }
}

Result<std::shared_ptr<StoredResponses>> StoredResponses::open(Options options) {
  auto state = std::make_unique<State>(std::move(options));
  if (state->has_folder()) {
    JEVONS_TRY(state->read_folder());
    state->writer = std::thread([here = state.get()] {
      ::pthread_setname_np(::pthread_self(), "responses");
      here->write_files();
    });
  }
  return std::shared_ptr<StoredResponses>(new StoredResponses(std::move(state)));
}

StoredResponses::StoredResponses(std::unique_ptr<State> state) : state_(std::move(state)) {}

StoredResponses::~StoredResponses() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  if (state_->writer.joinable()) state_->writer.join();
}

void StoredResponses::put(StoredResponse response) {
  const auto pointer = std::make_shared<const StoredResponse>(std::move(response));
  const std::lock_guard lock(state_->mutex);
  state_->remember(pointer);
  if (!state_->has_folder()) return;
  if (state_->waiting.size() >= kMaxWaitingFiles) state_->waiting.pop_front();
  state_->waiting.push_back(pointer);
  state_->changed.notify_all();
}

std::shared_ptr<const StoredResponse> StoredResponses::find(std::string_view key_name,
                                                            std::string_view id) {
  if (!is_response_id(id)) return nullptr;
  const std::lock_guard lock(state_->mutex);
  Pointer response = state_->look_up(std::string(id));
  return response != nullptr && response->key_name == key_name ? response : nullptr;
}

bool StoredResponses::erase(std::string_view key_name, std::string_view id) {
  if (!is_response_id(id)) return false;
  const std::lock_guard lock(state_->mutex);
  const std::string key(id);
  const Pointer response = state_->look_up(key);
  if (response == nullptr || response->key_name != key_name) return false;
  state_->forget(key);
  std::erase_if(state_->waiting, [&key](const Pointer& other) { return other->id == key; });
  if (state_->writing != nullptr && state_->writing->id == key) state_->writing_was_erased = true;
  if (state_->has_folder()) state_->drop_file(stored_file_name(key));
  return true;
}

void StoredResponses::flush() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock,
                       [this] { return state_->waiting.empty() && state_->writing == nullptr; });
}

std::size_t StoredResponses::n_memory_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->n_memory;
}

std::uint64_t StoredResponses::n_disk_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->n_disk;
}

}  // namespace jevons
