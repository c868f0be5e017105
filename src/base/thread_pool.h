// A fixed team of threads for the short parallel loops of one owner. The owner calls run() and
// takes part in it; between loops the team spins for a moment and then sleeps. Only one thread may
// call run(), and not from within a task.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace jevons {

class ThreadPool {
 public:
  /// `n_threads` counts the caller; 1 makes a pool without threads of its own.
  explicit ThreadPool(int n_threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int n_threads() const;

  /// While `*abandon` is true (any thread may set it), loops leave out the tasks that have not yet
  /// begun. Null, as at first: never. Only the owner may call this, between loops.
  void abandon_on(const std::atomic<bool>* abandon);

  /// What loops cost that were divided among threads, since the last call.
  struct Waiting {
    double seconds = 0;  // that the owner waited for the team after its own share
    std::uint64_t n_loops = 0;
  };
  /// Measuring starts with the first call; until then it costs nothing. Only the owner.
  [[nodiscard]] Waiting take_waiting();

  /// Calls task(context, index, thread) once for each index in [0, n_tasks), from all threads, in
  /// an order that is not defined, and returns when all are done. Tasks must not throw.
  void run(int n_tasks, void (*task)(void* context, int index, int thread), void* context);

  /// The same with any callable `f(int index, int thread)`, which is not copied.
  template <typename F>
  void parallel_for(int n_tasks, F&& f) {
    run(
        n_tasks,
        [](void* context, int index, int thread) {
          (*static_cast<std::remove_reference_t<F>*>(context))(index, thread);
        },
        static_cast<void*>(&f));
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Number of CPUs this process may use (affinity and cgroup quota respected).
[[nodiscard]] int available_cpus();

}  // namespace jevons
