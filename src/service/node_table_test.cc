#include "service/node_table.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace ns {
namespace {

class NoExecutor final : public Executor {
 public:
  void Listen(ExecutorListener*) override {}
  Status Start(const WorkerPlace&) override { return OkStatus(); }
  void Adopt(const WorkerPlace&, uint64_t) override {}
  void Stop(const WorkerId&) override {}
};

class NodeTableTest : public testing::Test {
 protected:
  ~NodeTableTest() override { dispatcher_.reset(); }
  Status Open(NodeTable::Options options) {
    options.cores = {0, 1, 2, 3};
    table_.reset();
    dispatcher_ = std::make_unique<Dispatcher>(Dispatcher::Options{}, workspace_, *store_, executor_, clock_);
    auto table = NodeTable::Open(options, *store_, *dispatcher_, executor_);
    if (table.ok()) table_ = std::move(*table);
    return table.status();
  }

  TempDir folder_ = TempDir::Create("ns_nodes_").value();
  SystemClock clock_;
  Workspace workspace_ = Workspace::Create(folder_.path()).value();
  std::unique_ptr<TaskStore> store_ = TaskStore::Open(workspace_.store_file(), clock_).value();
  NoExecutor executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<NodeTable> table_;
};

TEST_F(NodeTableTest, WithoutAHostfileThisMachineIsTheOneNode) {
  ASSERT_TRUE(Open({{}, 2, {}}).ok());
  EXPECT_EQ(table_->Nodes(), (std::vector<NodeView>{{1, {"localhost", 2, 2}, false, 2, 0}}));
}

TEST_F(NodeTableTest, AHostfilesSocketIsASlotAndReplacesThisMachine) {
  ASSERT_TRUE(Open({{}, 0, {}}).ok());
  ASSERT_TRUE(Open({{}, 0, {{"localhost", 1, 3}}}).ok());
  EXPECT_EQ(table_->Nodes(), (std::vector<NodeView>{{2, {"localhost", 1, 3}, false, 1, 0}}));
}

TEST_F(NodeTableTest, ARemovedNodeMayJoinAgainInAnotherShapeAndStaysAfterARestart) {
  ASSERT_TRUE(Open({{}, 1, {}}).ok());
  EXPECT_EQ(table_->Join("localhost 1 2").reason(), "NODE_EXISTS");
  ASSERT_TRUE(table_->Remove(1).ok());
  EXPECT_EQ(table_->Remove(1).reason(), "UNKNOWN_NODE");
  EXPECT_TRUE(table_->Nodes().empty());
  ASSERT_TRUE(table_->Join("localhost 1 2").ok());
  ASSERT_TRUE(Open({{}, 1, {}}).ok());
  EXPECT_EQ(table_->Nodes(), (std::vector<NodeView>{{2, {"localhost", 1, 2}, false, 1, 0}}));
}

TEST_F(NodeTableTest, RefusesOtherMachinesMoreCoresThanThereAreAndBadText) {
  ASSERT_TRUE(Open({{}, 1, {}}).ok());
  Status other = table_->Join("host1 2 20");
  EXPECT_EQ(other.reason(), "NOT_THIS_MACHINE");
  EXPECT_NE(other.message().find("name it 'localhost'"), std::string::npos) << other.message();
  EXPECT_EQ(table_->Join("host1 2").reason(), "BAD_HOSTFILE");
  EXPECT_EQ(Open({{}, 0, {{"localhost", 2, 20}}}).message(),
            "'localhost 2 20' needs 40 cores, and 4 of this machine's 4 are free; give fewer sockets or cores");
}

}  // namespace
}  // namespace ns
