// Which nodes of a host list can be used now: each is tried in the background, by the same way on which workers get there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "executors/command.h"
#include "schedule/executor.h"

namespace ns {

// Thread-compatible.
class MpiNodes {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // The command that tries a node: it ends with 0 when workers can run there, and else says why not.
  using Probe = std::function<std::vector<std::string>(const NodeSpec& node)>;
  MpiNodes(Probe probe, std::map<std::string, std::string> environment) : probe_(std::move(probe)), environment_(std::move(environment)) {}

  void Add(int64_t id, const NodeSpec& spec);
  void Remove(int64_t id) { nodes_.erase(id); }
  const NodeSpec* Find(int64_t id) const;
  // False also of one that has left.
  bool IsUp(int64_t id) const;
  // A worker was lost there: nothing is started there before it was tried again.
  void Suspect(int64_t id, const std::string& why, ExecutorListener& listener);
  // Goes on with what is due. A node that changes is told of.
  void Look(Time now, ExecutorListener& listener);

  // When a node is tried again: after a success in half a minute; after failures in a second, two, four, ... at most half a minute.
  static std::chrono::milliseconds Pause(int failures);
  static constexpr auto kProbeLimit = std::chrono::seconds(30);
  static constexpr size_t kProbesAtOnce = 4;

 private:
  struct Node {
    NodeSpec spec;
    bool up = true;  // until found out otherwise
    int failures = 0;
    Time next = {};
    std::optional<ForeignCommand> running;
  };
  void Judge(int64_t id, Node& node, const CommandEnd& end, Time now, ExecutorListener& listener);

  const Probe probe_;
  const std::map<std::string, std::string> environment_;
  std::map<int64_t, Node> nodes_;
};

}  // namespace ns
