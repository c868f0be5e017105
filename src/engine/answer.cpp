#include "engine/answer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jevons {

AnswerRules AnswerRules::of(const Tokenizer& tokenizer) {
  AnswerRules rules{.tokenizer = tokenizer};
  rules.end_of_turn = tokenizer.vocabulary().eos_id;
  rules.think_end = tokenizer.special_token("</think>");
  if (rules.think_end) {
    rules.closes_reasoning = tokenizer.encode("\n</think>\n\n", SpecialTokens::kIgnore);
  }
  rules.mask.resize((static_cast<std::size_t>(tokenizer.n_tokens()) + 63) / 64);
  return rules;
}

Answer::Answer(CompletionRequest&& request, AnswerRules& rules)
    : rules_(rules),
      max_tokens_(request.max_tokens),
      n_logprobs_(request.n_logprobs),
      reasoning_budget_(request.reasoning_budget),
      stop_tokens_(std::move(request.stop_tokens)),
      script_(std::move(request.script)),
      is_scripted_(!script_.empty()),
      seed_(request.sampling.seed.value()),
      constraint_(std::move(request.constraint)),
      sampler_(request.sampling, request.prompt),
      detokenizer_(rules.tokenizer),
      matcher_(std::move(request.stop_strings)),
      n_closed_(rules.closes_reasoning.size()),
      in_reasoning_(request.starts_in_reasoning) {}

bool Answer::is_stop(std::int32_t id) const {
  return id == rules_.end_of_turn ||
         std::find(stop_tokens_.begin(), stop_tokens_.end(), id) != stop_tokens_.end();
}

void Answer::forbid_end(std::span<std::uint64_t> mask) const {
  const auto clear = [&](std::int32_t id) {
    mask[static_cast<std::size_t>(id) / 64] &= ~(std::uint64_t{1} << (id % 64));
  };
  if (rules_.end_of_turn) clear(*rules_.end_of_turn);
  for (const std::int32_t id : stop_tokens_) clear(id);
}

Result<std::int32_t> Answer::sample(std::span<const float> logits) {
  if (!constraint_ || in_reasoning_) return sampler_.sample(logits);
  const std::span<std::uint64_t> mask(rules_.mask);
  const bool is_active = constraint_->is_active();
  if (!is_active && constraint_->may_end()) return sampler_.sample(logits);
  if (is_active) {
    constraint_->fill_mask(mask);
  } else {
    std::fill(mask.begin(), mask.end(), ~std::uint64_t{0});
  }
  if (!constraint_->may_end()) forbid_end(mask);
  return sampler_.sample(logits, mask);
}

Result<Answer::Choice> Answer::choose(std::span<const float> logits) {
  if (in_reasoning_ && reasoning_budget_ >= 0 && n_reasoning_ >= reasoning_budget_ &&
      !reasoning_was_cut_) {
    reasoning_was_cut_ = true;
    n_closed_ = 0;
  }
  if (n_closed_ < rules_.closes_reasoning.size()) {
    JEVONS_TRY(check_finite(logits));
    const std::int32_t id = rules_.closes_reasoning[n_closed_++];
    sampler_.remember(id);
    return Choice{id, true};
  }
  if (!is_scripted_) {
    JEVONS_ASSIGN(const std::int32_t id, sample(logits));
    return Choice{id};
  }
  JEVONS_TRY(check_finite(logits));
  if (n_scripted_ == script_.size()) return Choice{};
  return Choice{script_[n_scripted_++]};
}

Result<Answer::Next> Answer::next(std::span<const float> logits) {
  JEVONS_ASSIGN(const Choice choice, choose(logits));
  if (!choice.id || (!choice.is_forced && is_stop(*choice.id))) {
    return Next{{}, StopReason::kEndOfTurn};
  }
  if (n_logprobs_ >= 0) record_logprobs(*choice.id, logits);
  add(*choice.id, choice.is_forced);
  Next next{choice.id, {}};
  if (matcher_.matched()) {
    next.ended = StopReason::kStopString;
  } else if (n_generated() == max_tokens_) {
    next.ended = StopReason::kMaxTokens;
  }
  return next;
}

void Answer::add(std::int32_t id, bool is_forced) {
  ids_.push_back(id);
  if (in_reasoning_) {
    if (id == rules_.think_end) {
      in_reasoning_ = false;
    } else if (!is_forced) {
      ++n_reasoning_;
    }
  } else if (constraint_ && !is_forced && !constraint_->accept(id)) {
    // Only a script can do that: what is sampled comes out of the mask.
    spdlog::warn("token {} is not what the output constraint allows; the rest is free", id);
    constraint_.reset();
  }
  pending_.ids.push_back(id);
  pending_.text += matcher_.push(detokenizer_.push(id));
}

void Answer::record_logprobs(std::int32_t id, std::span<const float> logits) {
  const double normaliser = log_sum_exp(logits);
  const auto logprob = [&](std::int32_t token) {
    const double logit = logits[static_cast<std::size_t>(token)];
    return TokenLogprob{token, static_cast<float>(logit - normaliser)};
  };
  pending_.logprobs.push_back(logprob(id));
  auto& alternatives = pending_.alternatives.emplace_back();
  for (const std::int32_t token : largest(logits, static_cast<std::size_t>(n_logprobs_))) {
    alternatives.push_back(logprob(token));
  }
}

std::optional<CompletionChunk> Answer::take_chunk() {
  if (pending_.text.empty()) return std::nullopt;
  return std::exchange(pending_, {});
}

std::optional<CompletionChunk> Answer::finish() {
  pending_.text += matcher_.push(detokenizer_.finish());
  pending_.text += matcher_.finish();
  if (pending_.text.empty() && pending_.ids.empty()) return std::nullopt;
  return std::exchange(pending_, {});
}

}  // namespace jevons
