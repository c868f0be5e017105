#include "api/either_constraint.h"

#include <utility>
#include <vector>

namespace jevons {
namespace {

class EitherConstraint final : public OutputConstraint {
 public:
  EitherConstraint(std::unique_ptr<OutputConstraint> first,
                   std::unique_ptr<OutputConstraint> second)
      : first_(std::move(first)), second_(std::move(second)) {}

  [[nodiscard]] bool is_active() const override {
    return (!first_ || first_->is_active()) && (!second_ || second_->is_active());
  }

  void fill_mask(std::span<std::uint64_t> mask) override {
    if (!first_ || !second_) return (first_ ? first_ : second_)->fill_mask(mask);
    first_->fill_mask(mask);
    other_.resize(mask.size());
    second_->fill_mask(other_);
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] |= other_[i];
  }

  [[nodiscard]] bool accept(std::int32_t id) override {
    const bool first = first_ && first_->accept(id);
    const bool second = second_ && second_->accept(id);
    // Neither: whoever is left stays, and says that the answer is over.
    if (!first && second) first_.reset();
    if (first && !second) second_.reset();
    return first || second;
  }

  [[nodiscard]] bool may_end() const override {
    return (first_ && first_->may_end()) || (second_ && second_->may_end());
  }

 private:
  std::unique_ptr<OutputConstraint> first_, second_;
  std::vector<std::uint64_t> other_;  // the second one's mask
};

}  // namespace

std::unique_ptr<OutputConstraint> either_constraint(std::unique_ptr<OutputConstraint> first,
                                                    std::unique_ptr<OutputConstraint> second) {
  return std::make_unique<EitherConstraint>(std::move(first), std::move(second));
}

}  // namespace jevons
