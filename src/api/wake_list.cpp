#include "api/wake_list.h"

#include <boost/asio/post.hpp>

#include "api/http_connection.h"

namespace jevons {

void WakeList::add(const std::weak_ptr<HttpConnection>& connection) {
  const std::lock_guard lock(mutex_);
  if (io_ == nullptr) return;
  pending_.push_back(connection);
  if (pending_.size() == 1) boost::asio::post(*io_, [self = shared_from_this()] { self->run(); });
}

void WakeList::close() {
  const std::lock_guard lock(mutex_);
  io_ = nullptr;
}

void WakeList::run() {
  std::vector<std::weak_ptr<HttpConnection>> woken;
  {
    const std::lock_guard lock(mutex_);
    woken.swap(pending_);
  }
  for (const auto& weak : woken) {
    if (const auto connection = weak.lock()) connection->notify();
  }
}

}  // namespace jevons
