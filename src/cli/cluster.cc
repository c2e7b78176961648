#include <charconv>
#include <cstdio>

#include "base/file.h"
#include "cli/commands.h"
#include "tasks/cluster.h"

namespace ns {

namespace {

struct ClusterFlags {
  ServiceTarget target;
  bool query = false;
  std::string join, remove;
};

// The text of the nodes: "host1 2 20; host2 4 20", or what is in the file of that name.
Result<std::string> NodesText(const std::string& join) {
  std::error_code ignored;
  if (join.find_first_of(" ;") != std::string::npos && !std::filesystem::is_regular_file(join, ignored)) return join;
  if (!std::filesystem::is_regular_file(join, ignored)) {
    return InvalidArgument(fmt::format("--join '{}' is neither a file nor 'name sockets cores_per_socket; ...'", join), "BAD_HOSTFILE");
  }
  return ReadFile(join, 1 << 24);
}

int Query(const ApiClient& client, bool json) {
  auto body = client.ClusterJson();
  if (!body.ok()) return Fail(body.status());
  if (json) return std::printf("%s\n", body->c_str()), 0;
  auto rows = ParseClusterJson(*body);
  if (!rows.ok()) return Fail(rows.status());
  std::printf("%-4s %-20s %-8s %5s %5s %5s  %s\n", "ID", "NAME", "STATUS", "FREE", "BUSY", "TOTAL", "NODE");
  for (const ClusterRow& row : *rows) {
    std::printf("%-4lld %-20s %-8s %5d %5d %5d  %s\n", static_cast<long long>(row.id), row.name.c_str(), row.status.c_str(), row.free, row.busy,
                row.total, row.info.c_str());
  }
  return 0;
}

int RunCluster(const ClusterFlags& flags) {
  if (int(flags.query) + int(!flags.join.empty()) + int(!flags.remove.empty()) != 1) {
    return Fail(InvalidArgument("give one of --query, --join and --remove", "BAD_OPTION"));
  }
  ApiClient client = Connect(flags.target);
  if (flags.query) return Query(client, flags.target.json);
  if (!flags.join.empty()) {
    auto text = NodesText(flags.join);
    if (!text.ok()) return Fail(text.status());
    if (Status status = client.JoinNodes(*text); !status.ok()) return Fail(status);
    return Query(client, flags.target.json);
  }
  int64_t id = 0;
  auto [end, error] = std::from_chars(flags.remove.data(), flags.remove.data() + flags.remove.size(), id);
  if (error != std::errc() || end != flags.remove.data() + flags.remove.size()) {
    return Fail(InvalidArgument(fmt::format("--remove takes a node's id, as 'cluster --query' shows it, got '{}'", flags.remove), "BAD_OPTION"));
  }
  if (Status status = client.RemoveNode(id); !status.ok()) return Fail(status);
  return Query(client, flags.target.json);
}

}  // namespace

void AddCluster(CommandLine& line) {
  auto flags = std::make_shared<ClusterFlags>();
  Command command = line.Add("cluster", "Show and change the nodes that workers run on", "Service");
  command.Flag("--query", &flags->query, "List the nodes")
      .Option("--join", &flags->join, "Nodes that join: \"host1 2 20; host2 4 20\" (name sockets cores_per_socket), or a file with such lines")
      .Option("--remove,--rm", &flags->remove, "Id of a node that leaves when its workers have ended");
  AddTarget(command, &flags->target);
  command.Runs([flags] { return RunCluster(*flags); });
}

}  // namespace ns
