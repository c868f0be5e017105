#include "engine/prefix_cache.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "engine/page_tree.h"

namespace jevons {
namespace {

constexpr auto kPageTokens = static_cast<std::size_t>(kernels::kKeysPerPage);
constexpr std::size_t kExcerptTokens = 24;
constexpr int kNobody = -1;  // a scope without pages

/// From the root down; the root itself is left out.
std::vector<PageNode*> path_to(PageNode* node) {
  std::vector<PageNode*> path(static_cast<std::size_t>(node->depth));
  for (auto place = path.rbegin(); place != path.rend(); ++place, node = node->parent) {
    *place = node;
  }
  return path;
}

TokenSpan excerpt(TokenSpan tokens, std::size_t from) {
  return tokens.subspan(from, std::min(kExcerptTokens, tokens.size() - from));
}

}  // namespace

struct PrefixCache::State {
  /// What a request may look into, in the tree's terms.
  struct View {
    int scope;
    const std::string& name;
    int n_shared_pages;
  };
  /// One page further in the chain of hashes.
  struct Step {
    PageHash hash;
    bool is_shared;
  };

  KvStore* store;
  PageTree tree;
  std::unordered_map<std::string, int> scopes;  // few: API keys, not conversations

  [[nodiscard]] View view(const PrefixScope& scope, TokenSpan tokens) const {
    const auto found = scopes.find(scope.scope);
    const auto n_shared = static_cast<std::size_t>(std::max(scope.n_shared, 0));
    return {found == scopes.end() ? kNobody : found->second, scope.scope,
            static_cast<int>(std::min(n_shared, tokens.size()) / kPageTokens)};
  }

  [[nodiscard]] Step step(const View& view, const PageHash& before, bool after_shared, int depth,
                          TokenSpan tokens) const;
  [[nodiscard]] int count_on_disk(const View& view, const PageNode* from, TokenSpan tokens) const;
  [[nodiscard]] std::optional<CacheReport::Break> find_break(const View& view,
                                                             const PageTree::Position& found,
                                                             TokenSpan tokens) const;
  void queue_for_disk(PageNode* last);
  int write_behind();
};

// Of two pages with these tokens, the one that all scopes share comes first, if it is on disk.
PrefixCache::State::Step PrefixCache::State::step(const View& view, const PageHash& before,
                                                  bool after_shared, int depth,
                                                  TokenSpan tokens) const {
  if (!after_shared) return {next_page_hash(before, tokens), false};
  const PageHash own = next_page_hash(enter_scope_hash(before, view.name), tokens);
  if (depth >= view.n_shared_pages) return {own, false};
  const PageHash shared = next_page_hash(before, tokens);
  const bool only_own = !store->contains(shared) && store->contains(own);
  return only_own ? Step{own, false} : Step{shared, true};
}

int PrefixCache::State::count_on_disk(const View& view, const PageNode* from,
                                      TokenSpan tokens) const {
  Step at{from->hash, from->scope == PageTree::kShared};
  int depth = from->depth;
  for (;; ++depth) {
    const TokenSpan page = page_tokens(tokens, depth);
    if (page.size() < kPageTokens) break;
    at = step(view, at.hash, at.is_shared, depth, page);
    if (!store->contains(at.hash)) break;
  }
  return (depth - from->depth) * kernels::kKeysPerPage;
}

// `tokens` without the last one: that is never looked for, so a prompt that ends where a cached one
// goes on has not left it.
std::optional<CacheReport::Break> PrefixCache::State::find_break(const View& view,
                                                                 const PageTree::Position& found,
                                                                 TokenSpan tokens) const {
  const auto index = static_cast<std::size_t>(found.n_tokens());
  if (index == 0 || index == tokens.size()) return std::nullopt;
  // Only what this scope may see is shown: others' tokens are theirs.
  const auto newest_child = [&view](const PageNode* node) -> const PageNode* {
    const PageNode* const own = PageTree::newest_child(node, view.scope);
    if (node->scope != PageTree::kShared || node->depth >= view.n_shared_pages) return own;
    const PageNode* const shared = PageTree::newest_child(node, PageTree::kShared);
    if (own == nullptr || shared == nullptr) return own == nullptr ? shared : own;
    return shared->use_tick > own->use_tick ? shared : own;
  };
  const PageNode* node = found.partial;
  auto from = static_cast<std::size_t>(found.n_partial);
  if (node == nullptr) {
    node = newest_child(found.node);
    from = 0;
  }
  if (node == nullptr || node->tokens().size() == from) return std::nullopt;
  CacheReport::Break broke{static_cast<int>(index), {}, {}, 0};
  for (; node != nullptr; node = newest_child(node), from = 0) {
    const TokenSpan rest = node->tokens().subspan(from);
    broke.n_lost_tokens += static_cast<int>(rest.size());
    const std::size_t n_wanted = kExcerptTokens - broke.cached.size();
    const TokenSpan shown = rest.first(std::min(n_wanted, rest.size()));
    broke.cached.insert(broke.cached.end(), shown.begin(), shown.end());
  }
  return broke;
}

void PrefixCache::State::queue_for_disk(PageNode* last) {
  for (PageNode* node : path_to(last)) {
    if (node->is_whole() && !store->mark_used(node->hash)) tree.wait_for_disk(node);
  }
}

int PrefixCache::State::write_behind() {
  if (store == nullptr) return 0;
  for (PageNode* node = tree.first_waiting(); node != nullptr && store->has_room();
       node = tree.first_waiting()) {
    tree.stop_waiting(node);
    tree.hold(node);
    store->write(node->hash, node->parent->hash, node->tokens(), node->page);
  }
  return tree.n_waiting();
}

PrefixCache::PrefixCache(KvStore* store) : state_(std::make_unique<State>()) {
  state_->store = store;
  if (store != nullptr) state_->tree.root()->hash = store->shared_root();
}

PrefixCache::~PrefixCache() = default;

PrefixMatch PrefixCache::match(const PrefixScope& scope, std::span<const std::int32_t> tokens) {
  PrefixMatch match;
  if (tokens.empty()) return match;
  PageTree& tree = state_->tree;
  const State::View view = state_->view(scope, tokens);
  const TokenSpan wanted = tokens.first(tokens.size() - 1);
  const PageTree::Position found = tree.find(view.scope, view.n_shared_pages, wanted);
  match.n_tokens = found.n_tokens();
  match.broke_at = state_->find_break(view, found, wanted);
  if (match.broke_at) {
    const TokenSpan shown = excerpt(tokens, static_cast<std::size_t>(match.n_tokens));
    match.broke_at->prompt.assign(shown.begin(), shown.end());
  }
  if (found.node != tree.root()) tree.mark_used(found.node, true);
  for (PageNode* node : path_to(found.node)) {
    tree.hold(node);
    match.pages.push_back(node->page);
  }
  if (found.partial != nullptr) {
    tree.mark_used(found.partial, false);
    tree.hold(found.partial);
    match.partial = found.partial->page;
  }
  if (state_->store != nullptr) {
    match.n_disk_tokens = state_->count_on_disk(view, found.node, wanted);
    if (match.n_disk_tokens > 0) match.broke_at.reset();
    state_->write_behind();
  }
  return match;
}

int PrefixCache::count(const PrefixScope& scope, std::span<const std::int32_t> tokens) const {
  if (tokens.empty()) return 0;
  const State::View view = state_->view(scope, tokens);
  return state_->tree.find(view.scope, view.n_shared_pages, tokens.first(tokens.size() - 1))
      .n_tokens();
}

void PrefixCache::insert(const PrefixScope& scope, std::span<const std::int32_t> tokens,
                         std::span<const KvPage> pages, bool keep_on_disk) {
  JEVONS_CHECK(pages.size() == (tokens.size() + kPageTokens - 1) / kPageTokens);
  if (tokens.empty()) return;
  PageTree& tree = state_->tree;
  // The first scope gets 1: 0 is the shared one.
  state_->scopes.try_emplace(scope.scope, static_cast<int>(state_->scopes.size()) + 1);
  const State::View view = state_->view(scope, tokens);
  PageNode* node = tree.find(view.scope, view.n_shared_pages, tokens).node;
  for (auto i = static_cast<std::size_t>(node->depth); i < pages.size(); ++i) {
    const bool is_shared = node->scope == PageTree::kShared && node->depth < view.n_shared_pages;
    const bool enters_scope = node->scope == PageTree::kShared && !is_shared;
    PageNode* const before = node;
    node = tree.add(before, is_shared ? PageTree::kShared : view.scope,
                    page_tokens(tokens, before->depth), pages[i]);
    if (state_->store == nullptr || !node->is_whole()) continue;
    node->hash = next_page_hash(
        enters_scope ? enter_scope_hash(before->hash, view.name) : before->hash, node->tokens());
  }
  tree.mark_used(node, false);
  if (state_->store == nullptr) return;
  if (keep_on_disk) state_->queue_for_disk(node);
  state_->write_behind();
}

void PrefixCache::load(const PrefixScope& scope, std::span<const std::int32_t> tokens,
                       int first_page, std::vector<KvPage> pages,
                       std::function<void(int n_good_pages)> done) {
  JEVONS_CHECK(state_->store != nullptr);
  const State::View view = state_->view(scope, tokens);
  const auto n_before = static_cast<std::size_t>(first_page) * kPageTokens;
  JEVONS_CHECK(n_before + pages.size() * kPageTokens <= tokens.size());
  // From where memory ends, in case that some of what match() saw has been evicted since.
  const PageNode* const start =
      state_->tree.find(view.scope, view.n_shared_pages, tokens.first(n_before)).node;
  State::Step at{start->hash, start->scope == PageTree::kShared};
  std::vector<KvStore::PageRead> reads;
  for (int depth = start->depth; depth < first_page + static_cast<int>(pages.size()); ++depth) {
    const PageHash before = at.hash;
    const TokenSpan page = page_tokens(tokens, depth);
    at = state_->step(view, before, at.is_shared, depth, page);
    if (depth < first_page) continue;
    reads.push_back({at.hash,
                     before,
                     {page.begin(), page.end()},
                     std::move(pages[static_cast<std::size_t>(depth - first_page)])});
  }
  state_->store->read(std::move(reads), std::move(done));
}

void PrefixCache::forget(const PrefixScope& scope, std::span<const std::int32_t> tokens,
                         int n_sound) {
  const State::View view = state_->view(scope, tokens);
  const PageTree::Position found = state_->tree.find(view.scope, view.n_shared_pages, tokens);
  const int n_sound_pages = std::max(n_sound, 0) / kernels::kKeysPerPage;
  PageNode* node = found.partial != nullptr ? found.partial : found.node;
  if (node->depth <= n_sound_pages) return;
  while (node->depth > n_sound_pages + 1) node = node->parent;
  state_->tree.drop(node, [store = state_->store](const PageNode& dropped) {
    if (store != nullptr && dropped.is_whole()) store->remove(dropped.hash, dropped.parent->hash);
  });
}

int PrefixCache::write_behind() { return state_->write_behind(); }

int PrefixCache::evict(int n_pages) {
  state_->write_behind();
  return state_->tree.evict(n_pages);
}

int PrefixCache::n_pages() const { return state_->tree.n_pages(); }
int PrefixCache::n_evictable_pages() const { return state_->tree.n_evictable(); }
void PrefixCache::check_integrity() const { state_->tree.check_integrity(); }

}  // namespace jevons
