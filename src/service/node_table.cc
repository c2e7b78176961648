#include "service/node_table.h"

#include <unistd.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <set>

#include "base/cpu_topology.h"
#include "base/log.h"
#include "schedule/hostfile.h"

namespace ns {

namespace {

// Two names of one machine are one node.
std::string Canonical(const std::string& name) { return IsThisMachine(name) ? "localhost" : name; }

std::vector<std::vector<int>> SlotsOf(const NodeSpec& spec, const std::vector<int>& cores) {
  return CutSlots(CoreDomains(cores), static_cast<size_t>(spec.sockets), static_cast<size_t>(spec.cores_per_socket));
}

// What the start options make of the stored nodes.
std::vector<StoredNode> Wanted(const NodeTable::Options& options, const std::vector<StoredNode>& stored) {
  std::vector<StoredNode> wanted;
  std::set<std::string> given;
  for (const NodeSpec& spec : options.hostfile) {
    wanted.push_back({0, spec, NodeSource::kHostfile});
    given.insert(Canonical(spec.name));
  }
  bool machine = false;
  for (const StoredNode& node : stored) {
    machine = machine || node.source == NodeSource::kMachine;
    if (node.source == NodeSource::kJoined && !given.contains(Canonical(node.spec.name))) wanted.push_back(node);
  }
  if (options.hostfile.empty() && (machine || wanted.empty())) {
    wanted.insert(wanted.begin(), {0, ThisMachine(options.cores.size(), options.cores_per_worker), NodeSource::kMachine});
  }
  // The same node as before keeps its id, so that adopted workers keep their slots.
  for (StoredNode& node : wanted) {
    for (const StoredNode& old : stored) {
      if (node.spec == old.spec) node.id = old.id;
    }
  }
  return wanted;
}

}  // namespace

NodeSpec ThisMachine(size_t cores, int cores_per_worker) {
  size_t size = cores_per_worker > 0 ? static_cast<size_t>(cores_per_worker) : std::clamp<size_t>(cores / 4, 1, 4);
  size = std::min(size, cores);
  return {"localhost", static_cast<int>(cores / size), static_cast<int>(size)};
}

bool IsThisMachine(const std::string& name) {
  if (name == "localhost" || name == "::1" || name == "[::1]" || name.starts_with("127.")) return true;
  char own[256] = {};
  if (::gethostname(own, sizeof(own) - 1) != 0) return false;
  std::string full = own;
  return name == full || name == full.substr(0, full.find('.'));
}

NodeTable::NodeTable(const Options& options, TaskStore& store, Dispatcher& dispatcher, Executor& executor)
    : options_(options), store_(store), dispatcher_(dispatcher), executor_(executor) {
  NS_CHECK(!options.cores.empty());
}

Result<std::unique_ptr<NodeTable>> NodeTable::Open(const Options& options, TaskStore& store, Dispatcher& dispatcher, Executor& executor) {
  std::unique_ptr<NodeTable> table(new NodeTable(options, store, dispatcher, executor));
  if (int slots = executor.own_slots(); slots > 0) {
    dispatcher.AddNode(0, std::vector<std::vector<int>>(static_cast<size_t>(slots)));
    return table;
  }
  NS_ASSIGN_OR_RETURN(auto stored, store.Nodes());
  std::vector<StoredNode> now, later;
  for (StoredNode& node : Wanted(options, stored)) (node.source == NodeSource::kJoined ? later : now).push_back(std::move(node));
  NS_RETURN_IF_ERROR(table->Add(std::move(now)));
  for (StoredNode& node : later) {
    // The machine may have changed since it joined.
    if (Status status = table->Add({node}); !status.ok()) LogWarning("node {} is left out: {}", node.spec.name, status.message());
  }
  return table;
}

Status NodeTable::CheckOwned() const {
  if (executor_.own_slots() == 0) return OkStatus();
  return FailedPrecondition("the nodes are those of the scheduler that workers are handed to: nodes join and leave there (Slurm: scontrol), not here",
                            "NODES_OF_SCHEDULER");
}

Status NodeTable::Check(const NodeSpec& spec) const {
  if (!IsThisMachine(spec.name) && !executor_.uses_other_machines()) {
    return FailedPrecondition(fmt::format("'{}' is not this machine, and --executor local runs workers on this machine only: name it "
                                          "'localhost', leave the node out, or use --executor mpi", spec.name), "NOT_THIS_MACHINE");
  }
  for (const Node& node : nodes_) {
    if (node.leaving || Canonical(node.stored.spec.name) != Canonical(spec.name)) continue;
    return Status(StatusCode::kAlreadyExists,
                  fmt::format("'{}' is node {} already; remove that one first to change it", spec.name, node.stored.id), "NODE_EXISTS");
  }
  return OkStatus();
}

Result<std::vector<int>> NodeTable::TakeCores(const NodeSpec& spec) const {
  if (executor_.uses_other_machines()) {  // whether the node has so many is found out there
    std::vector<int> cores(static_cast<size_t>(spec.sockets) * static_cast<size_t>(spec.cores_per_socket));
    std::iota(cores.begin(), cores.end(), 0);
    return cores;
  }
  std::set<int> free(options_.cores.begin(), options_.cores.end());
  bool leaving = false;
  for (const Node& node : nodes_) {
    for (int core : node.cores) free.erase(core);
    leaving = leaving || node.leaving;
  }
  size_t needed = static_cast<size_t>(spec.sockets) * static_cast<size_t>(spec.cores_per_socket);
  if (needed <= free.size()) return std::vector<int>(free.begin(), std::next(free.begin(), static_cast<ptrdiff_t>(needed)));
  if (leaving) {
    return FailedPrecondition(fmt::format("workers still run on cores that '{}' needs; try again when they have ended", spec.name), "NODE_BUSY");
  }
  return FailedPrecondition(fmt::format("'{} {} {}' needs {} cores, and {} of this machine's {} are free; give fewer sockets or cores",
                                        spec.name, spec.sockets, spec.cores_per_socket, needed, free.size(), options_.cores.size()),
                            "NOT_ENOUGH_CORES");
}

Status NodeTable::Store(std::vector<Node>* nodes) {
  std::vector<StoredNode> stored;
  for (const Node& node : *nodes) {
    if (!node.leaving) stored.push_back(node.stored);
  }
  std::promise<Result<std::vector<StoredNode>>> ended;
  store_.SetNodes(stored, [&](Result<std::vector<StoredNode>> result) { ended.set_value(std::move(result)); });
  NS_ASSIGN_OR_RETURN(stored, ended.get_future().get());
  auto at = stored.begin();
  for (Node& node : *nodes) {
    if (!node.leaving) node.stored = *at++;
  }
  return OkStatus();
}

Status NodeTable::Add(std::vector<StoredNode> wanted) {
  std::lock_guard lock(mutex_);
  DropGone();
  std::vector<Node> before = nodes_;
  size_t first = nodes_.size();
  Status status;
  for (StoredNode& stored : wanted) {
    status = Check(stored.spec);
    auto cores = status.ok() ? TakeCores(stored.spec) : Result<std::vector<int>>(status);
    status = cores.status();
    if (!status.ok()) break;
    nodes_.push_back({std::move(stored), false, std::move(*cores)});
  }
  if (status.ok()) status = Store(&nodes_);
  if (!status.ok()) {
    nodes_ = std::move(before);
    return status;
  }
  for (; first < nodes_.size(); ++first) {
    const Node& node = nodes_[first];
    LogInfo("node {}: {} joins with {} slots of {} cores", node.stored.id, node.stored.spec.name, node.stored.spec.sockets,
            node.stored.spec.cores_per_socket);
    executor_.NodeJoined(node.stored.id, node.stored.spec);
    dispatcher_.AddNode(node.stored.id, SlotsOf(node.stored.spec, node.cores));
  }
  return OkStatus();
}

void NodeTable::DropGone() {
  std::erase_if(nodes_, [this](const Node& node) {
    bool gone = node.leaving && !dispatcher_.UseOf(node.stored.id);
    if (gone) executor_.NodeLeft(node.stored.id);
    return gone;
  });
}

Status NodeTable::Join(std::string_view hostfile) {
  NS_RETURN_IF_ERROR(CheckOwned());
  NS_ASSIGN_OR_RETURN(auto specs, ParseHostfile(hostfile, "the list of nodes"));
  std::vector<StoredNode> wanted;
  for (NodeSpec& spec : specs) wanted.push_back({0, std::move(spec), NodeSource::kJoined});
  return Add(std::move(wanted));
}

Status NodeTable::Remove(int64_t id) {
  NS_RETURN_IF_ERROR(CheckOwned());
  std::lock_guard lock(mutex_);
  auto found = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& node) { return node.stored.id == id && !node.leaving; });
  if (found == nodes_.end()) return NotFound(fmt::format("there is no node {}", id), "UNKNOWN_NODE");
  found->leaving = true;
  if (Status status = Store(&nodes_); !status.ok()) {
    found->leaving = false;
    return status;
  }
  LogInfo("node {} ({}) leaves", id, found->stored.spec.name);
  dispatcher_.RemoveNode(id);
  DropGone();
  return OkStatus();
}

std::vector<NodeView> NodeTable::Nodes() const {
  if (executor_.own_slots() > 0) return executor_.own_nodes();
  std::lock_guard lock(mutex_);
  std::vector<NodeView> views;
  for (const Node& node : nodes_) {
    auto use = dispatcher_.UseOf(node.stored.id);
    if (node.leaving && !use) continue;
    views.push_back({node.stored.id, node.stored.spec, node.leaving, use ? use->free : 0, use ? use->busy : 0, dispatcher_.TroubleOf(node.stored.id)});
  }
  return views;
}

}  // namespace ns
