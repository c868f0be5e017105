#include "app/chat_books.h"

#include <future>
#include <utility>

#include "api/engine_work.h"
#include "api/server_pages.h"
#include "base/wall_clock.h"

namespace jevons {

ChatBooks::ChatBooks(std::shared_ptr<Bookkeeper> books, Engine& engine)
    : books_(std::move(books)), model_(model_id_of(engine.facts().name)) {
  books_->attach(work_feed(engine));
}

ChatBooks::~ChatBooks() { books_->attach({}); }

void ChatBooks::close(Answer& answer) const {
  const auto settled = std::make_shared<std::promise<std::optional<EnergyUse>>>();
  auto future = settled->get_future();
  books_->settle(answer.completions,
                 [settled](const std::optional<EnergyUse>& use) { settled->set_value(use); });
  answer.energy = future.get();
  answer.currency = books_->currency();

  const double total_ms = answer.queue_ms + answer.prompt_ms + answer.generation_ms;
  LedgerRow row;
  row.at_ms = unix_milliseconds() - static_cast<std::int64_t>(total_ms);
  row.client = "jevons run";
  row.model = model_;
  row.priority = "interactive";
  row.tokens_in = answer.n_prompt_tokens;
  row.tokens_cached = answer.n_cached_tokens;
  row.tokens_out = answer.n_generated_tokens;
  row.queue_seconds = answer.queue_ms / 1000;
  row.read_seconds = answer.prompt_ms / 1000;
  row.write_seconds = answer.generation_ms / 1000;
  row.stop = stop_reason_name(answer.stop_reason);
  if (answer.energy) put_energy(row, *answer.energy, answer.currency);
  books_->record(std::move(row));
}

}  // namespace jevons
