// Runs the real program and keeps what it says.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace jevons {

struct ProgramResult {
  int exit_code;  // 128 + signal if it was killed
  std::string out, err;
};

/// `input` is its standard input. `environment` is added to the one of the test, from which every
/// JEVONS_ variable, the configuration and the ledger of the person who runs it are taken out.
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& arguments,
                                        const std::string& input = "",
                                        const std::map<std::string, std::string>& environment = {});

/// models/nano.gguf of the source tree.
[[nodiscard]] std::string nano_path();

}  // namespace jevons
