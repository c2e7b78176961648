// An ordered set of weighted keys that says how many keys, and what weight, come before one: all in O(log n).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace ns {

// A treap in one array. Thread-compatible.
class RankedSet {
 public:
  using Key = std::pair<int64_t, int64_t>;
  struct Sum {
    int64_t count = 0;
    int64_t weight = 0;
  };

  // The key must not be there.
  void Insert(Key key, int64_t weight = 0);
  // The key must be there.
  void Erase(Key key);
  // Of the keys smaller than `key`.
  Sum Before(Key key) const;
  Sum Total() const { return {CountOf(root_), WeightOf(root_)}; }
  bool empty() const { return root_ == 0; }
  // The smallest; the set is not empty.
  Key First() const;

 private:
  struct Node {
    Key key;
    int64_t weight = 0, weights = 0;  // its own; of its subtree
    uint32_t count = 0;               // nodes of its subtree
    uint32_t left = 0, right = 0;
    uint32_t priority = 0;
  };
  int64_t CountOf(uint32_t node) const { return node == 0 ? 0 : nodes_[node].count; }
  int64_t WeightOf(uint32_t node) const { return node == 0 ? 0 : nodes_[node].weights; }
  void Update(uint32_t node);
  // Into the keys smaller than `key` and the others.
  void Split(uint32_t node, const Key& key, uint32_t* less, uint32_t* rest);
  uint32_t Merge(uint32_t less, uint32_t rest);

  std::vector<Node> nodes_ = std::vector<Node>(1);  // node 0 stands for none
  std::vector<uint32_t> unused_;
  uint32_t root_ = 0;
  uint32_t random_ = 2'463'534'242;
};

}  // namespace ns
