#include "schedule/ranked_set.h"

#include "base/status.h"

namespace ns {

void RankedSet::Update(uint32_t node) {
  Node& at = nodes_[node];
  at.count = static_cast<uint32_t>(1 + CountOf(at.left) + CountOf(at.right));
  at.weights = at.weight + WeightOf(at.left) + WeightOf(at.right);
}

void RankedSet::Split(uint32_t node, const Key& key, uint32_t* less, uint32_t* rest) {
  if (node == 0) {
    *less = *rest = 0;
    return;
  }
  uint32_t part = 0;
  if (nodes_[node].key < key) {
    Split(nodes_[node].right, key, &part, rest);
    nodes_[node].right = part;
    *less = node;
  } else {
    Split(nodes_[node].left, key, less, &part);
    nodes_[node].left = part;
    *rest = node;
  }
  Update(node);
}

uint32_t RankedSet::Merge(uint32_t less, uint32_t rest) {
  if (less == 0) return rest;
  if (rest == 0) return less;
  uint32_t root = nodes_[less].priority > nodes_[rest].priority ? less : rest;
  if (root == less) {
    uint32_t right = Merge(nodes_[less].right, rest);
    nodes_[less].right = right;
  } else {
    uint32_t left = Merge(less, nodes_[rest].left);
    nodes_[rest].left = left;
  }
  Update(root);
  return root;
}

void RankedSet::Insert(Key key, int64_t weight) {
  random_ ^= random_ << 13;  // xorshift32
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  uint32_t node = static_cast<uint32_t>(nodes_.size());
  if (unused_.empty()) {
    nodes_.emplace_back();
  } else {
    node = unused_.back();
    unused_.pop_back();
  }
  nodes_[node] = {key, weight, weight, 1, 0, 0, random_};
  uint32_t less, rest;
  Split(root_, key, &less, &rest);
  root_ = Merge(Merge(less, node), rest);
}

void RankedSet::Erase(Key key) {
  uint32_t less, rest, node;
  Split(root_, key, &less, &rest);
  Split(rest, {key.first, key.second + 1}, &node, &rest);
  NS_CHECK(node != 0 && nodes_[node].count == 1, "key ({}, {})", key.first, key.second);
  unused_.push_back(node);
  root_ = Merge(less, rest);
  if (root_ == 0) {  // gives its memory back after a long queue
    nodes_ = std::vector<Node>(1);
    unused_ = {};
  }
}

RankedSet::Sum RankedSet::Before(Key key) const {
  Sum sum;
  for (uint32_t node = root_; node != 0;) {
    const Node& at = nodes_[node];
    if (at.key < key) {
      sum.count += 1 + CountOf(at.left);
      sum.weight += at.weight + WeightOf(at.left);
      node = at.right;
    } else {
      node = at.left;
    }
  }
  return sum;
}

RankedSet::Key RankedSet::First() const {
  uint32_t node = root_;
  while (nodes_[node].left != 0) node = nodes_[node].left;
  return nodes_[node].key;
}

}  // namespace ns
