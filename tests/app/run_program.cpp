#include "run_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

extern char** environ;

namespace jevons {
namespace {

std::vector<std::string> environment_of(const std::map<std::string, std::string>& added) {
  std::vector<std::string> variables = {"JEVONS_CONFIG=/nonexistent/config.toml",
                                        "JEVONS_LEDGER=off"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("JEVONS_")) variables.emplace_back(*entry);
  }
  for (const auto& [name, value] : added) {
    const std::string prefix = name + "=";
    std::erase_if(variables, [&](const std::string& v) { return v.starts_with(prefix); });
    variables.push_back(prefix + value);
  }
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (std::string& string : strings) list.push_back(string.data());
  list.push_back(nullptr);
  return list;
}

struct Pipe {
  int ends[2];
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  void close(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

// Feeds and drains all three at once: either side may fill its pipe first.
void exchange(Pipe& in, Pipe& out, Pipe& err, std::string_view input, ProgramResult& result) {
  if (input.empty()) in.close(1);
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    pollfd waiting[] = {
        {in.ends[1], POLLOUT, 0}, {out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}};
    ASSERT_GT(::poll(waiting, 3, 120'000), 0) << "the program hangs";
    if (waiting[0].revents != 0) {
      const ssize_t n =
          ::write(in.ends[1], input.data(), std::min<std::size_t>(input.size(), 4096));
      if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
      if (n <= 0 || input.empty()) in.close(1);
    }
    const auto drain = [](Pipe& pipe, const pollfd& ready, std::string& text) {
      if (ready.revents == 0 || pipe.ends[0] < 0) return;
      char buffer[8192];
      const ssize_t n = ::read(pipe.ends[0], buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
      if (n <= 0) pipe.close(0);
    };
    drain(out, waiting[1], result.out);
    drain(err, waiting[2], result.err);
  }
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, const std::string& input,
                          const std::map<std::string, std::string>& environment) {
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words = {JEVONS_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment_of(environment);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(variables);
  Pipe in, out, err;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in.ends[0], STDIN_FILENO);
    ::dup2(out.ends[1], STDOUT_FILENO);
    ::dup2(err.ends[1], STDERR_FILENO);
    std::signal(SIGPIPE, SIG_DFL);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  in.close(0);
  out.close(1);
  err.close(1);
  ProgramResult result{-1, "", ""};
  exchange(in, out, err, input, result);
  in.close(1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string nano_path() { return JEVONS_SOURCE_DIR "/models/nano.gguf"; }

}  // namespace jevons
