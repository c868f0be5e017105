#include "convert/routing_lines.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace jevons {
namespace {

struct Line {
  std::int64_t layer = 0;
  std::vector<std::int64_t> experts;
};

// [layer,[experts]], with spaces wherever JSON has them.
class LineScanner {
 public:
  explicit LineScanner(std::string_view text) : rest_(text) {}

  bool scan(Line& line) {
    line.experts.clear();
    if (!take('[') || !take_number(line.layer) || !take(',') || !take('[')) return false;
    if (!take(']')) {
      do {
        if (!take_number(line.experts.emplace_back())) return false;
      } while (take(','));
      if (!take(']')) return false;
    }
    return take(']') && is_at_end();
  }

  bool is_at_end() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
    return rest_.empty();
  }

 private:
  bool take(char wanted) {
    if (is_at_end() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_number(std::int64_t& number) {
    if (is_at_end()) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }

  std::string_view rest_;
};

// Lines as they come, each pass layer by layer, to whole tokens.
class PassReader {
 public:
  explicit PassReader(const ModelConfig& config)
      : config_(config),
        n_used_(static_cast<std::size_t>(config.n_experts_used)),
        whole_(static_cast<std::size_t>(config.n_layers)),
        pass_(whole_.size()) {}

  Result<void> add(const Line& line, std::size_t number) {
    JEVONS_TRY(check(line, number));
    const auto layer = static_cast<int>(line.layer);
    if (layer != layer_) JEVONS_TRY(enter(layer, number));
    std::vector<std::int32_t>& experts = choices(layer);
    if (line.experts.empty()) {
      experts.insert(experts.end(), n_used_, kNoExpert);
    } else {
      experts.insert(experts.end(), line.experts.begin(), line.experts.end());
    }
    return {};
  }

  Result<RoutingTrace> take() {
    // Of a pass that the program ended in, the last layer may have some of the tokens.
    if (layer_ + 1 == config_.n_layers && choices(layer_).size() == choices(0).size()) keep_pass();
    const std::size_t n_tokens = whole_.front().size() / n_used_;
    if (n_tokens == 0) return fail("no pass went through all {} layers", config_.n_layers);
    if (n_tokens > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      return fail("{} tokens are too many", n_tokens);
    }
    RoutingTrace trace{config_.n_layers, config_.n_experts_used, static_cast<int>(n_tokens), {}};
    trace.experts.reserve(whole_.size() * whole_.front().size());
    for (std::vector<std::int32_t>& layer : whole_) {
      trace.experts.insert(trace.experts.end(), layer.begin(), layer.end());
      std::vector<std::int32_t>().swap(layer);
    }
    return trace;
  }

 private:
  std::vector<std::int32_t>& choices(int layer) { return pass_[static_cast<std::size_t>(layer)]; }

  Result<void> check(const Line& line, std::size_t number) const {
    if (line.layer < 0 || line.layer >= config_.n_layers) {
      return fail("line {} is of layer {}, and the model has {}", number, line.layer,
                  config_.n_layers);
    }
    const bool may_be_empty = line.layer + 1 == config_.n_layers;
    if (line.experts.size() != n_used_ && !(may_be_empty && line.experts.empty())) {
      return fail("line {} names {} experts, and a token takes {}", number, line.experts.size(),
                  n_used_);
    }
    for (std::size_t rank = 0; rank < line.experts.size(); ++rank) {
      const std::int64_t expert = line.experts[rank];
      if (expert < 0 || expert >= config_.n_experts) {
        return fail("line {} names expert {}, and there are {}", number, expert, config_.n_experts);
      }
      const auto before = std::span(line.experts).first(rank);
      if (std::ranges::find(before, expert) != before.end()) {
        return fail("line {} names expert {} twice", number, expert);
      }
    }
    return {};
  }

  // The first line of another layer than that of the line before.
  Result<void> enter(int layer, std::size_t number) {
    if (layer != 0 && layer != layer_ + 1) {
      return fail("line {} is of layer {}, and must be of layer 0{}", number, layer,
                  layer_ < 0 ? std::string() : fmt::format(" or {}", layer_ + 1));
    }
    if (layer_ == 1) forget_given_up();
    if (layer_ > 0 && choices(layer_).size() != choices(0).size()) {
      return fail("before line {} there are {} tokens of layer {}, and {} of layer 0", number,
                  choices(layer_).size() / n_used_, layer_, choices(0).size() / n_used_);
    }
    if (layer == 0) {
      if (layer_ + 1 == config_.n_layers) keep_pass();
      for (std::vector<std::int32_t>& experts : pass_) experts.clear();
    }
    layer_ = layer;
    return {};
  }

  // A pass that is given up after its first layer is followed by that layer of the next one: of
  // these lines the last ones count, as many as the second layer has.
  void forget_given_up() {
    std::vector<std::int32_t>& first = choices(0);
    const std::size_t n = choices(1).size();
    if (n < first.size()) {
      first.erase(first.begin(), first.end() - static_cast<std::ptrdiff_t>(n));
    }
  }

  void keep_pass() {
    for (std::size_t layer = 0; layer < whole_.size(); ++layer) {
      whole_[layer].insert(whole_[layer].end(), pass_[layer].begin(), pass_[layer].end());
    }
  }

  const ModelConfig& config_;
  const std::size_t n_used_;
  std::vector<std::vector<std::int32_t>> whole_;  // [layer][token * n_used + rank]
  std::vector<std::vector<std::int32_t>> pass_;   // the same, of the pass that is being read
  int layer_ = -1;                                // of the last line
};

}  // namespace

Result<RoutingTrace> parse_routing_lines(std::string_view text, const ModelConfig& config) {
  PassReader passes(config);
  Line line;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (LineScanner(one).is_at_end()) continue;
    if (LineScanner(one).scan(line)) {
      JEVONS_TRY(passes.add(line, number));
    } else if (end != std::string_view::npos) {
      return fail("line {} must be [layer,[experts]]", number);
    }
  }
  return passes.take();
}

}  // namespace jevons
