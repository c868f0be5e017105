// jevons inspect: what is in a model file, and what it needs here.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/model_path.h"
#include "app/model_report.h"
#include "app/term/terminal.h"

namespace jevons {
namespace {

struct InspectFlags {
  std::string file;
  bool json = false;
};

int inspect(const InspectFlags& flags) {
  const auto path = model_path_or_nano(flags.file);
  if (!path) return report(path.error());
  const auto facts = ModelReport::of(*path);
  if (!facts) return report(facts.error());
  if (flags.json) {
    fmt::print("{}\n", facts->json());
  } else {
    fmt::print("{}", harmless_text(facts->text(terminal_width(STDOUT_FILENO))));
  }
  return kSuccess;
}

}  // namespace

CommandBody define_inspect(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  app.add_option("FILE,-m,--model", flags->file, "a GGUF file, of a split one any part [nano]");
  app.add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return inspect(*flags); };
}

}  // namespace jevons
