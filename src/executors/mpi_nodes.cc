#include "executors/mpi_nodes.h"

#include <algorithm>

#include "base/log.h"

namespace ns {

using std::chrono::milliseconds;
using std::chrono::seconds;

milliseconds MpiNodes::Pause(int failures) {
  if (failures == 0) return seconds(30);
  return std::min<milliseconds>(seconds(30), seconds(1LL << std::min(failures - 1, 5)));
}

void MpiNodes::Add(int64_t id, const NodeSpec& spec) {
  Node node;
  node.spec = spec;
  nodes_.insert_or_assign(id, std::move(node));
}

const NodeSpec* MpiNodes::Find(int64_t id) const {
  auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second.spec;
}

bool MpiNodes::IsUp(int64_t id) const {
  auto found = nodes_.find(id);
  return found != nodes_.end() && found->second.up;
}

void MpiNodes::Suspect(int64_t id, const std::string& why, ExecutorListener& listener) {
  auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  Node& node = found->second;
  node.next = {};
  if (!node.up) return;
  node.up = false;
  node.running.reset();  // it began before
  LogWarning("node {} is tried, since a worker was lost there: {}", node.spec.name, why);
  listener.OnNode(id, false, fmt::format("a worker was lost there ({}); it is being tried", why));
}

void MpiNodes::Judge(int64_t id, Node& node, const CommandEnd& end, Time now, ExecutorListener& listener) {
  node.failures = end.ok() ? 0 : node.failures + 1;
  // A busy machine may be slow once.
  bool up = end.ok() || (end.timed_out && node.up && node.failures < 2);
  node.next = now + Pause(node.failures);
  std::string why = up ? "" : end.FirstLine();
  if (up != node.up || (!up && node.failures == 1)) {
    if (up) {
      LogInfo("node {} can be used", node.spec.name);
    } else {
      LogWarning("node {} cannot be used: {}", node.spec.name, why);
    }
    listener.OnNode(id, up, why);
  }
  node.up = up;
}

void MpiNodes::Look(Time now, ExecutorListener& listener) {
  size_t running = 0;
  for (auto& [id, node] : nodes_) {
    if (!node.running) continue;
    if (auto end = node.running->Poll()) {
      node.running.reset();
      Judge(id, node, *end, now, listener);
    } else {
      ++running;
    }
  }
  for (auto& [id, node] : nodes_) {
    if (node.running || now < node.next || running >= kProbesAtOnce) continue;
    auto command = ForeignCommand::Start(probe_(node.spec), kProbeLimit, environment_);
    if (!command.ok()) {
      CommandEnd end;
      end.exit.exit_code = 127;
      end.err = command.status().message();
      Judge(id, node, end, now, listener);
      continue;
    }
    node.running.emplace(std::move(*command));
    ++running;
  }
}

}  // namespace ns
