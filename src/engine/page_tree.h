// Pages in memory, found by the tokens before and in them: a tree with one node for each page.
//
// Tokens are compared, never hashes. Children of a node are ordered by scope and tokens, so that
// the one with the longest common prefix is a neighbour of the place where the wanted tokens would
// stand. Which pages sequences hold is seen from their reference counts; those in question stand in
// a list, so that nothing ever looks at the whole tree.
//
// What is kept longest (the decision is in docs/DECISIONS.md): a page's value is
//   time of its last use + 1/2 log2(number of uses x number of branches),
// time counted in turnovers of the tree (a new page adds 1 / number of pages). Pages without
// children go first, the one of the lowest value before the others.
//
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "engine/page_hash.h"
#include "model/kv_cache.h"

namespace jevons {

/// A page's worth of tokens or the part of it that is there.
using TokenSpan = std::span<const std::int32_t>;
/// Of the page that follows `depth` others, as far as `tokens` has any.
[[nodiscard]] TokenSpan page_tokens(TokenSpan tokens, int depth);

struct PageNode;

/// By scope, then tokens; a prefix stands before what goes on from it.
struct PageOrder {
  using is_transparent = void;
  using Key = std::pair<int, TokenSpan>;
  bool operator()(const PageNode* a, const PageNode* b) const;
  bool operator()(const PageNode* a, const Key& b) const;
  bool operator()(const Key& a, const PageNode* b) const;
};

/// By value, lowest first; among equals the one used longest ago.
struct EvictionOrder {
  bool operator()(const PageNode* a, const PageNode* b) const;
};

struct PageNode {
  PageNode* parent = nullptr;  // null: the root, which has no page
  int scope = 0;               // PageTree::kShared or an id of the caller
  int n_tokens = 0;            // 64, or fewer in a leaf
  std::array<std::int32_t, kernels::kKeysPerPage> token_ids{};
  KvPage page;
  int depth = 0;    // pages from the root, this one included
  PageHash hash{};  // of a whole page, for the store; the tree does not look at it
  std::set<PageNode*, PageOrder> children;

  // What eviction goes by. While in the order of eviction, these do not change.
  double last_use = 0;         // turnovers
  std::uint64_t use_tick = 0;  // order of uses within one moment
  std::uint64_t n_uses = 1;
  double last_counted = 0;       // when n_uses last grew; a burst of uses is one
  std::uint64_t n_branches = 1;  // times that somebody went on differently from here or later
  double value = 0;

  // Held: handed out and perhaps still in use. Pinned: held, or a child is pinned.
  int held_at = -1;  // place in the list of held nodes
  int n_pinned_children = 0;
  bool waits_for_disk = false;
  std::list<PageNode*>::iterator waiting_at;
  std::list<PageNode>::iterator self;

  [[nodiscard]] TokenSpan tokens() const {
    return TokenSpan(token_ids).first(static_cast<std::size_t>(n_tokens));
  }
  [[nodiscard]] bool is_whole() const { return n_tokens == kernels::kKeysPerPage; }
  [[nodiscard]] bool is_pinned() const { return held_at >= 0 || n_pinned_children > 0; }
};

class PageTree {
 public:
  /// The scope that everybody may look into. A shared page never follows one that is not.
  static constexpr int kShared = 0;

  PageTree() = default;
  PageTree(const PageTree&) = delete;
  PageTree& operator=(const PageTree&) = delete;

  /// How far a row of tokens was found: whole pages down to `node`, then n_partial tokens of
  /// `partial`, a child of it.
  struct Position {
    PageNode* node = nullptr;
    PageNode* partial = nullptr;
    int n_partial = 0;
    [[nodiscard]] int n_tokens() const { return node->depth * kernels::kKeysPerPage + n_partial; }
  };
  /// The longest way through shared pages (the first n_shared_pages at most) and then those of
  /// `scope`. Changes nothing.
  [[nodiscard]] Position find(int scope, int n_shared_pages, TokenSpan tokens);

  /// Puts a page behind `parent`. If a page with these tokens and perhaps more is there, it stays;
  /// if one with fewer of them, its page is replaced. Returns the node.
  PageNode* add(PageNode* parent, int scope, TokenSpan tokens, KvPage page);

  /// The child of one scope that was used last; null if it has none.
  [[nodiscard]] static PageNode* newest_child(const PageNode* node, int scope);

  /// Uses of a node and of all before it: `counts` as one more use, or only as recent.
  void mark_used(PageNode* node, bool counts);
  /// The node's page is about to be handed out.
  void hold(PageNode* node);

  /// Pages that wait to be written to disk, in the order in which they came.
  void wait_for_disk(PageNode* node);
  [[nodiscard]] PageNode* first_waiting() const {
    return waiting_.empty() ? nullptr : waiting_.front();
  }
  void stop_waiting(PageNode* node);
  [[nodiscard]] int n_waiting() const { return static_cast<int>(waiting_.size()); }

  /// Drops up to n_pages that nobody holds; returns how many. Costs one look at each page that was
  /// held, and O(log n) for each page dropped.
  int evict(int n_pages);

  /// Drops a page and all behind it, in use or not: who holds one keeps it, but nobody finds it any
  /// more. Each goes through `dropped` first, those behind before those ahead.
  void drop(PageNode* node, const std::function<void(const PageNode&)>& dropped);

  [[nodiscard]] int n_pages() const { return static_cast<int>(nodes_.size()); }
  /// What evict() could drop: those that nobody holds and behind which nobody holds any.
  [[nodiscard]] int n_evictable();
  [[nodiscard]] PageNode* root() { return &root_; }
  void check_integrity() const;

 private:
  struct Closest {
    PageNode* node;
    int n_common;
  };
  [[nodiscard]] static Closest closest_child(const PageNode* parent, int scope, TokenSpan tokens);
  [[nodiscard]] static Position descend(PageNode* node, int scope, TokenSpan tokens);
  PageNode* add_new(PageNode* parent, int scope, TokenSpan tokens, KvPage page);
  static void replace(PageNode* node, TokenSpan tokens, KvPage page);
  void sweep_held();
  void became_pinned(PageNode* node);
  void became_unpinned(PageNode* node);
  void enter_order(PageNode* node);
  void leave_order(PageNode* node);
  void let_go(PageNode* node);
  void remove(PageNode* node);
  void check_node(const PageNode& node) const;
  static void check_children(const PageNode& node);

  PageNode root_;
  std::list<PageNode> nodes_;
  std::set<PageNode*, EvictionOrder> order_;  // of leaves that are not pinned
  std::vector<PageNode*> held_;
  std::list<PageNode*> waiting_;
  int n_pinned_ = 0;
  double now_ = 0;  // turnovers
  std::uint64_t tick_ = 0;
};

}  // namespace jevons
