// What the answers of a chat take: measured, and written to the ledger. One thread, but for the
// meter's own.
#pragma once

#include <memory>

#include "app/chat_session.h"
#include "meter/bookkeeper.h"

namespace jevons {

class ChatBooks {
 public:
  /// The engine must outlive the books, and log its work if there is energy.
  ChatBooks(std::shared_ptr<Bookkeeper> books, Engine& engine);
  ChatBooks(const ChatBooks&) = delete;
  ChatBooks& operator=(const ChatBooks&) = delete;
  ~ChatBooks();

  /// Puts the energy of an answer into it, and the answer into the ledger.
  void close(Answer& answer) const;

 private:
  std::shared_ptr<Bookkeeper> books_;
  std::string model_;
};

}  // namespace jevons
