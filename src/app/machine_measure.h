// This machine, measured for a plan: once, kept in the cache folder with its date. Main thread; on
// a machine that does other things meanwhile the figures are too low.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "convert/disk_speed.h"
#include "meter/machine_facts.h"
#include "weights/model_file.h"

namespace jevons {

/// What to read for the speed of a disk.
struct DiskSample {
  std::string device;              // device_of() of the file or folder
  std::vector<std::string> paths;  // files with experts; empty: a file is written for it
  std::vector<DiskPiece> pieces;   // one projection of an expert each
  std::string folder;              // where that file is written and removed again
};

/// The experts of a file that is here.
[[nodiscard]] DiskSample sample_of_file(const ModelFile& file);
/// A folder where a model would be kept.
[[nodiscard]] DiskSample sample_of_folder(const std::string& folder);

struct MeasureOptions {
  std::string cache_path;                                 // machine.json; empty: nothing is kept
  bool again = false;                                     // measure although it is known
  bool needs_disk = true;                                 // else it is not measured, only looked up
  std::function<void(const std::string& what)> progress;  // may be empty
};

struct MeasuredMachine {
  MachineFacts facts;              // with the sample's disk, if it could be measured
  std::vector<std::string> notes;  // what did not work, for the user
};

/// From the cache as far as it is there, the rest measured and kept. Takes some seconds then.
[[nodiscard]] MeasuredMachine measured_machine(const DiskSample& sample,
                                               const MeasureOptions& options);

/// What is kept of this machine; nothing if it was not measured in the last 30 days. Measures
/// nothing.
[[nodiscard]] std::optional<MachineFacts> known_machine(const std::string& cache_path);

}  // namespace jevons
