#include "app/streaming_report.h"

#include <algorithm>

#include "app/bench_report.h"
#include "app/quantity.h"
#include "app/term/table.h"

namespace jevons {
namespace {

std::string percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.1f} %", 100 * part / whole) : "";
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return percent(static_cast<double>(part), static_cast<double>(whole));
}

double per_second(std::uint64_t n_bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(n_bytes) / seconds : 0;
}

}  // namespace

std::string streaming_table(const std::vector<SpeedFigure>& figures, int columns) {
  TextTable places(
      {"experts of", ">in memory", ">foreseen", ">in time", ">read late", ">precision", ">recall"});
  TextTable reads({"reads of", ">bytes/token", ">speed", ">of disk", ">disk busy", ">waiting"});
  bool is_empty = true;
  for (const SpeedFigure& figure : figures) {
    if (!figure.streaming) continue;
    is_empty = false;
    const SpeedFigure::Streaming& s = *figure.streaming;
    const std::string name = test_name(figure.test);
    places.add_row({name, percent(s.n_hits, s.n_needed), percent(s.n_foreseen, s.n_needed),
                    percent(s.n_in_time, s.n_needed), percent(s.n_missed, s.n_needed),
                    percent(s.n_right, s.n_guessed), percent(s.n_right, s.n_guessable)});
    const double n_tokens = static_cast<double>(figure.tokens_per_second.size()) *
                            figure.test.n_tokens * figure.test.n_sequences;
    const double speed = per_second(s.bytes_read, s.seconds);
    reads.add_row({name, bytes_text(static_cast<double>(s.bytes_read) / n_tokens),
                   bytes_text(speed) + "/s", percent(speed, s.disk_bytes_per_second),
                   percent(s.disk_seconds, s.seconds), percent(s.waiting_seconds, s.seconds)});
  }
  return is_empty ? "" : "\n" + places.render(columns) + "\n" + reads.render(columns);
}

std::string streaming_line(const EngineStatus::Experts& before, const EngineStatus::Experts& after,
                           int n_tokens) {
  const std::uint64_t n_needed = after.n_needed - before.n_needed;
  const std::uint64_t n_bytes = after.n_bytes_read - before.n_bytes_read;
  return fmt::format("experts: {} in memory, {} foreseen, {} read late; {} a token, {}/s",
                     percent(after.n_hits - before.n_hits, n_needed),
                     percent(after.n_foreseen - before.n_foreseen, n_needed),
                     percent(after.n_missed - before.n_missed, n_needed),
                     bytes_text(static_cast<double>(n_bytes) / std::max(1, n_tokens)),
                     bytes_text(per_second(n_bytes, after.disk_seconds - before.disk_seconds)));
}

}  // namespace jevons
