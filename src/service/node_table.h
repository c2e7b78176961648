// The nodes of the service: which there are, which cores their slots have, who may join.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "service/dispatcher.h"
#include "store/task_store.h"
#include "tasks/cluster.h"

namespace ns {

// Where the executor starts workers on this machine only, another node is refused, and a slot has cores of this machine; where it reaches others,
// a slot's cores are counted on its node: 0, 1, ... Where another scheduler has the nodes, they are shown, and neither join nor leave here.
// Thread-safe. Join() and Remove() wait for the store: not for a network's thread.
class NodeTable {
 public:
  struct Options {
    std::vector<int> cores;           // of this machine, which workers may use
    int cores_per_worker = 0;         // without a hostfile: cores of a slot; 0: a quarter of the cores, at least 1, at most 4
    std::vector<NodeSpec> hostfile;   // empty: none was given
  };
  // Takes up the stored nodes and gives the dispatcher its slots. The hostfile's nodes, or without one this machine as one node, take the
  // place of those that an earlier start made so; nodes that joined stay. Errors as for Join(). Before the dispatcher recovers. The executor
  // is told of each node.
  static Result<std::unique_ptr<NodeTable>> Open(const Options& options, TaskStore& store, Dispatcher& dispatcher, Executor& executor);

  std::vector<NodeView> Nodes() const;
  // The nodes of a hostfile's text join, all or none, and are stored. InvalidArgument (BAD_HOSTFILE); FailedPrecondition (NOT_THIS_MACHINE,
  // NOT_ENOUGH_CORES, NODES_OF_SCHEDULER); AlreadyExists (NODE_EXISTS).
  Status Join(std::string_view hostfile);
  // The node is forgotten: no worker starts there any more, those that run go on. NotFound (UNKNOWN_NODE); FailedPrecondition
  // (NODES_OF_SCHEDULER).
  Status Remove(int64_t id);

 private:
  struct Node {
    StoredNode stored;
    bool leaving = false;
    std::vector<int> cores;
  };
  NodeTable(const Options& options, TaskStore& store, Dispatcher& dispatcher, Executor& executor);

  Status CheckOwned() const;
  Status Check(const NodeSpec& spec) const;
  Result<std::vector<int>> TakeCores(const NodeSpec& spec) const;
  Status Add(std::vector<StoredNode> wanted);
  Status Store(std::vector<Node>* nodes);
  void DropGone();

  const Options options_;
  TaskStore& store_;
  Dispatcher& dispatcher_;
  Executor& executor_;
  mutable std::mutex mutex_;  // over the next
  std::vector<Node> nodes_;
};

// The shape of this machine without a hostfile.
NodeSpec ThisMachine(size_t cores, int cores_per_worker);
// "localhost", a loopback address, or this machine's own name.
bool IsThisMachine(const std::string& name);

}  // namespace ns
