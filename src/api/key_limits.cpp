#include "api/key_limits.h"

#include <algorithm>

namespace jevons {

std::expected<std::shared_ptr<KeyLease>, ApiError> KeyLimits::admit(const ApiKey& key,
                                                                    Clock::time_point now) {
  Account& account = accounts_[key.name];
  if (key.max_concurrent > 0 && *account.n_running >= key.max_concurrent) {
    ApiError error;
    error.kind = ApiErrorKind::kRateLimit;
    error.message = fmt::format("the key '{}' may have {} requests at once, and has them", key.name,
                                key.max_concurrent);
    error.retry_after_s = 1;
    return std::unexpected(std::move(error));
  }
  if (key.requests_per_minute > 0) {
    const double per_second = key.requests_per_minute / 60.0;
    const double elapsed_s = std::chrono::duration<double>(now - account.counted_at).count();
    const double most = key.requests_per_minute;
    account.n_allowed =
        account.is_new ? most : std::min(most, account.n_allowed + elapsed_s * per_second);
    account.counted_at = now;
    account.is_new = false;
    // What was added up in fractions may lack a last bit of the whole.
    constexpr double kRounding = 1e-9;
    if (account.n_allowed < 1 - kRounding) {
      ApiError error;
      error.kind = ApiErrorKind::kRateLimit;
      error.message = fmt::format("the key '{}' may send {} requests a minute", key.name,
                                  key.requests_per_minute);
      error.retry_after_s = (1 - account.n_allowed) / per_second;
      return std::unexpected(std::move(error));
    }
    account.n_allowed -= 1;
  }
  return std::make_shared<KeyLease>(account.n_running);
}

}  // namespace jevons
