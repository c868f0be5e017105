#include "engine/page_tree.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/check.h"

namespace jevons {
namespace {

// Uses that follow each other this closely (in turnovers) count as one: a request that waits for
// memory asks again and again.
constexpr double kBurst = 0.01;
constexpr auto kPageTokens = static_cast<std::size_t>(kernels::kKeysPerPage);

bool before(const PageOrder::Key& a, const PageOrder::Key& b) {
  if (a.first != b.first) return a.first < b.first;
  return std::lexicographical_compare(a.second.begin(), a.second.end(), b.second.begin(),
                                      b.second.end());
}

PageOrder::Key key_of(const PageNode* node) { return {node->scope, node->tokens()}; }

int n_common(TokenSpan a, TokenSpan b) {
  return static_cast<int>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

TokenSpan page_tokens(TokenSpan tokens, int depth) {
  const std::size_t at = std::min(static_cast<std::size_t>(depth) * kPageTokens, tokens.size());
  return tokens.subspan(at, std::min(kPageTokens, tokens.size() - at));
}

bool PageOrder::operator()(const PageNode* a, const PageNode* b) const {
  return before(key_of(a), key_of(b));
}
bool PageOrder::operator()(const PageNode* a, const Key& b) const { return before(key_of(a), b); }
bool PageOrder::operator()(const Key& a, const PageNode* b) const { return before(a, key_of(b)); }

bool EvictionOrder::operator()(const PageNode* a, const PageNode* b) const {
  return std::tie(a->value, a->use_tick, a) < std::tie(b->value, b->use_tick, b);
}

PageTree::Closest PageTree::closest_child(const PageNode* parent, int scope, TokenSpan tokens) {
  Closest best{nullptr, 0};
  const auto consider = [&](PageNode* child) {
    if (child->scope != scope) return;
    const int common = n_common(child->tokens(), tokens);
    if (common == 0 || common < best.n_common) return;
    if (common == best.n_common && child->use_tick < best.node->use_tick) return;
    best = {child, common};
  };
  const auto next = parent->children.lower_bound(PageOrder::Key{scope, tokens});
  if (next != parent->children.begin()) consider(*std::prev(next));
  if (next != parent->children.end()) consider(*next);
  return best;
}

PageTree::Position PageTree::descend(PageNode* node, int scope, TokenSpan tokens) {
  for (;;) {
    const auto [child, common] = closest_child(node, scope, page_tokens(tokens, node->depth));
    if (common < kernels::kKeysPerPage) return {node, child, common};
    node = child;
  }
}

PageTree::Position PageTree::find(int scope, int n_shared_pages, TokenSpan tokens) {
  Position best{&root_, nullptr, 0};
  PageNode* node = &root_;
  // Among equals the way with most shared pages, then the scope's own page.
  const auto consider = [&best](const Position& found) {
    if (found.n_tokens() >= best.n_tokens()) best = found;
  };
  for (;;) {
    // From each shared page the way may also go on among the pages of the scope itself.
    consider({node, nullptr, 0});
    Closest shared{nullptr, 0};
    if (node->depth < n_shared_pages) {
      shared = closest_child(node, kShared, page_tokens(tokens, node->depth));
    }
    const bool goes_on = shared.n_common == kernels::kKeysPerPage;
    if (!goes_on) consider({node, shared.node, shared.n_common});
    if (scope != kShared) consider(descend(node, scope, tokens));
    if (!goes_on) return best;
    node = shared.node;
  }
}

PageNode* PageTree::add(PageNode* parent, int scope, TokenSpan tokens, KvPage page) {
  JEVONS_CHECK(parent == &root_ || parent->is_whole());
  JEVONS_CHECK(!tokens.empty() && tokens.size() <= kPageTokens && page != nullptr);
  JEVONS_CHECK(parent->scope == kShared || parent->scope == scope);
  const auto [child, common] = closest_child(parent, scope, tokens);
  if (child == nullptr || (common < child->n_tokens && common < static_cast<int>(tokens.size()))) {
    return add_new(parent, scope, tokens, std::move(page));
  }
  if (common < static_cast<int>(tokens.size())) {
    replace(child, tokens, std::move(page));
    hold(child);
  }
  return child;
}

PageNode* PageTree::add_new(PageNode* parent, int scope, TokenSpan tokens, KvPage page) {
  if (parent->children.empty()) {
    leave_order(parent);
  } else {
    for (PageNode* node = parent; node != &root_; node = node->parent) ++node->n_branches;
  }
  PageNode& node = nodes_.emplace_back();
  node.self = std::prev(nodes_.end());
  node.parent = parent;
  node.scope = scope;
  node.n_tokens = static_cast<int>(tokens.size());
  std::copy(tokens.begin(), tokens.end(), node.token_ids.begin());
  node.page = std::move(page);
  node.depth = parent->depth + 1;
  now_ += 1.0 / static_cast<double>(nodes_.size());
  node.last_use = now_;
  node.last_counted = now_;
  node.use_tick = tick_;
  parent->children.insert(&node);
  enter_order(&node);
  hold(&node);
  return &node;
}

void PageTree::replace(PageNode* node, TokenSpan tokens, KvPage page) {
  JEVONS_CHECK(node->children.empty());
  auto& siblings = node->parent->children;
  siblings.erase(node);
  node->n_tokens = static_cast<int>(tokens.size());
  std::copy(tokens.begin(), tokens.end(), node->token_ids.begin());
  node->page = std::move(page);
  siblings.insert(node);
}

PageNode* PageTree::newest_child(const PageNode* node, int scope) {
  PageNode* newest = nullptr;
  const auto end = node->children.end();
  auto at = node->children.lower_bound(PageOrder::Key{scope, {}});
  for (; at != end && (*at)->scope == scope; ++at) {
    if (newest == nullptr || (*at)->use_tick > newest->use_tick) newest = *at;
  }
  return newest;
}

void PageTree::mark_used(PageNode* node, bool counts) {
  ++tick_;
  // Only the last page can be in the order: the others have children.
  leave_order(node);
  for (PageNode* page = node; page != &root_; page = page->parent) {
    if (counts && now_ - page->last_counted >= kBurst) {
      ++page->n_uses;
      page->last_counted = now_;
    }
    page->last_use = now_;
    page->use_tick = tick_;
  }
  enter_order(node);
}

void PageTree::hold(PageNode* node) {
  if (node->held_at >= 0 || node == &root_) return;
  leave_order(node);
  const bool was_pinned = node->is_pinned();
  node->held_at = static_cast<int>(held_.size());
  held_.push_back(node);
  if (!was_pinned) became_pinned(node);
}

void PageTree::sweep_held() {
  for (std::size_t i = 0; i < held_.size();) {
    PageNode* const node = held_[i];
    // Nobody can take a page but through hold(), so a count of one stays one.
    if (node->page.use_count() > 1) {
      ++i;
      continue;
    }
    // It was in use until about now, and so were those before it.
    for (PageNode* page = node; page != &root_ && page->last_use < now_; page = page->parent) {
      page->last_use = now_;
    }
    let_go(node);
  }
}

void PageTree::let_go(PageNode* node) {
  held_.back()->held_at = node->held_at;
  std::swap(held_[static_cast<std::size_t>(node->held_at)], held_.back());
  held_.pop_back();
  node->held_at = -1;
  if (!node->is_pinned()) became_unpinned(node);
}

void PageTree::became_pinned(PageNode* node) {
  while (node != &root_) {
    ++n_pinned_;
    node = node->parent;
    const bool was_pinned = node->is_pinned();
    ++node->n_pinned_children;
    if (was_pinned) return;
  }
}

void PageTree::became_unpinned(PageNode* node) {
  enter_order(node);
  while (node != &root_) {
    --n_pinned_;
    node = node->parent;
    --node->n_pinned_children;
    if (node->is_pinned()) return;
  }
}

void PageTree::enter_order(PageNode* node) {
  if (node == &root_ || !node->children.empty() || node->is_pinned()) return;
  node->value =
      node->last_use +
      std::log2(static_cast<double>(node->n_uses) * static_cast<double>(node->n_branches)) / 2;
  order_.insert(node);
}

void PageTree::leave_order(PageNode* node) {
  if (node == &root_ || !node->children.empty() || node->is_pinned()) return;
  JEVONS_CHECK(order_.erase(node) == 1);
}

void PageTree::wait_for_disk(PageNode* node) {
  if (node->waits_for_disk) return;
  node->waits_for_disk = true;
  node->waiting_at = waiting_.insert(waiting_.end(), node);
}

void PageTree::stop_waiting(PageNode* node) {
  if (!node->waits_for_disk) return;
  node->waits_for_disk = false;
  waiting_.erase(node->waiting_at);
}

int PageTree::evict(int n_pages) {
  sweep_held();
  int n_evicted = 0;
  while (n_evicted < n_pages && !order_.empty()) {
    remove(*order_.begin());
    ++n_evicted;
  }
  return n_evicted;
}

void PageTree::drop(PageNode* node, const std::function<void(const PageNode&)>& dropped) {
  std::vector<PageNode*> behind{node};
  for (std::size_t i = 0; i < behind.size(); ++i) {
    const std::set<PageNode*, PageOrder>& children = behind[i]->children;
    behind.insert(behind.end(), children.begin(), children.end());
  }
  for (auto last = behind.rbegin(); last != behind.rend(); ++last) {
    if ((*last)->held_at >= 0) let_go(*last);
    dropped(**last);
    remove(*last);
  }
}

int PageTree::n_evictable() {
  sweep_held();
  return n_pages() - n_pinned_;
}

void PageTree::remove(PageNode* node) {
  leave_order(node);
  stop_waiting(node);
  PageNode* const parent = node->parent;
  parent->children.erase(node);
  if (parent->children.empty()) enter_order(parent);
  nodes_.erase(node->self);
}

void PageTree::check_integrity() const {
  int n_pinned = 0;
  std::size_t n_in_order = 0;
  std::size_t n_waiting = 0;
  std::size_t n_children = root_.children.size();
  check_children(root_);
  for (const PageNode& node : nodes_) {
    check_node(node);
    check_children(node);
    n_children += node.children.size();
    if (node.is_pinned()) ++n_pinned;
    if (node.children.empty() && !node.is_pinned()) ++n_in_order;
    if (node.waits_for_disk) ++n_waiting;
  }
  JEVONS_CHECK(n_children == nodes_.size());
  JEVONS_CHECK(n_pinned == n_pinned_);
  JEVONS_CHECK(n_in_order == order_.size());
  JEVONS_CHECK(n_waiting == waiting_.size());
  for (std::size_t i = 0; i < held_.size(); ++i) {
    JEVONS_CHECK(held_[i]->held_at == static_cast<int>(i));
  }
}

void PageTree::check_node(const PageNode& node) const {
  const PageNode& parent = *node.parent;
  JEVONS_CHECK(node.page != nullptr);
  JEVONS_CHECK(node.n_tokens > 0 && node.n_tokens <= kernels::kKeysPerPage);
  JEVONS_CHECK(node.depth == parent.depth + 1);
  JEVONS_CHECK(parent.scope == kShared || parent.scope == node.scope);
  JEVONS_CHECK(node.is_whole() || (node.children.empty() && !node.waits_for_disk));
  const bool in_order = node.children.empty() && !node.is_pinned();
  JEVONS_CHECK(order_.contains(const_cast<PageNode*>(&node)) == in_order);
  // Also that no page stands in two nodes: then neither could ever be given back.
  JEVONS_CHECK(node.held_at >= 0 || node.page.use_count() == 1);
  JEVONS_CHECK(&parent == &root_ ||
               (parent.last_use >= node.last_use && parent.n_branches >= node.n_branches));
  const auto n_pinned = std::count_if(node.children.begin(), node.children.end(),
                                      [](const PageNode* child) { return child->is_pinned(); });
  JEVONS_CHECK(n_pinned == node.n_pinned_children);
}

void PageTree::check_children(const PageNode& node) {
  const PageNode* last = nullptr;
  for (const PageNode* child : node.children) {
    JEVONS_CHECK(child->parent == &node);
    if (last != nullptr && last->scope == child->scope) {
      // In order, and none goes on from another: those would be one page.
      JEVONS_CHECK(PageOrder()(last, child));
      JEVONS_CHECK(n_common(last->tokens(), child->tokens()) < last->n_tokens);
    }
    last = child;
  }
}

}  // namespace jevons
