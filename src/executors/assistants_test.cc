// A lead and its assistants as real processes of the local executor: the workers are shell scripts, the supervisors this test program.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "base/file.h"
#include "executors/local_executor.h"
#include "executors/sandbox.h"
#include "executors/testing/supervise.h"
#include "tasks/process_files.h"
#include "tasks/task_file.h"
#include "tasks/team_files.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

class Recorder final : public ExecutorListener {
 public:
  void OnEvents(const WorkerId&, std::vector<TaskEvent>) override {}
  void OnExit(const WorkerId& worker, const WorkerExit& exit) override {
    std::lock_guard lock(mutex_);
    exits_.emplace(worker, exit);
    changed_.notify_all();
  }
  WorkerExit Await(const WorkerId& worker) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return exits_.contains(worker); }));
    return exits_.contains(worker) ? exits_.at(worker) : WorkerExit{};
  }
  bool Has(const WorkerId& worker) {
    std::lock_guard lock(mutex_);
    return exits_.contains(worker);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<WorkerId, WorkerExit> exits_;
};

class AssistantsTest : public testing::Test {
 protected:
  // Runs `assist` as an assistant, with its words as $*; the lead waits.
  void Prepare(const std::string& assist) {
    std::ofstream(worker_) << "#!/bin/sh\nif [ $1 = lead ]; then touch there; exec sleep 60; fi\n" << assist;
    ::chmod(worker_.c_str(), 0755);
    fs::create_directories(TeamFolder(task_));
    TaskFile file;
    file.task_id = "a";
    file.model_path = folder_.path() / "model.onnx";
    file.output_folder = "/o";
    file.events_file = task_ / kEventsFileName;
    file.spec.model = "m";
    file.spec.workers = 3;
    file.spec.dataset.emplace();
    file.spec.dataset->path = "d";
    ASSERT_TRUE(WriteFileAtomic(file.model_path, "model").ok());
    ASSERT_TRUE(WriteFileAtomic(TeamTokenFile(task_), "secret").ok());
    ASSERT_TRUE(WriteFileAtomic(task_ / "private", "").ok());
    ASSERT_TRUE(WriteFileAtomic(task_ / kTaskFileName, TaskFileToJson(file)).ok());
    std::ofstream(file.events_file).flush();
  }
  std::unique_ptr<LocalExecutor> Make(bool sandbox = false, size_t standbys = 0) {
    LocalExecutorOptions options;
    options.supervisor_command = SupervisorOfTests();
    options.planner.worker_command = {worker_.string()};
    options.planner.sandbox = sandbox;
    options.planner.hidden = folder_.path() / "hidden";
    options.standbys = standbys;
    auto executor = LocalExecutor::Create(options).value();
    executor->Listen(&recorder_);
    return executor;
  }
  WorkerPlace Place(int worker, int fence = 1) const { return {{"a", worker, fence}, task_, log_, 0, 0, {0}}; }
  fs::path Own(int worker) const { return WorkerFolder(task_, worker); }
  void AwaitFile(const fs::path& path) {
    for (int i = 0; i < 2000 && !fs::exists(path); ++i) ::usleep(10'000);
    ASSERT_TRUE(fs::exists(path)) << path;
  }
  std::string Log() { return ReadFile(log_).value_or(""); }

  // Below /var/tmp: a sandbox has a /tmp of its own.
  TempDir folder_ = TempDir::Create("ns_assistants_", "/var/tmp").value();
  fs::path task_ = folder_.path() / "hidden" / "task", log_ = folder_.path() / "log.txt", worker_ = folder_.path() / "worker.sh";
  Recorder recorder_;
};

TEST_F(AssistantsTest, EachHasItsNumberItsFenceItsCoresAndAFolderOfItsOwn) {
  Prepare("echo $*; pwd; exit 0\n");
  auto executor = Make();
  ASSERT_TRUE(executor->Start(Place(2, 7)).ok());
  EXPECT_EQ(recorder_.Await({"a", 2, 7}).exit.exit_code, 0);
  EXPECT_EQ(Log(), fmt::format("assist --lead-socket {0}/team/lead.sock --team-token-file {0}/team_token --worker 2 --fence 7 --marks {0}/workers/2/work "
                               "--threads 1 --cores 0\n{0}/workers/2/work\n", task_.string()));
}

TEST_F(AssistantsTest, EndOneByOneAndTheLeadGoesOn) {
  Prepare("touch there; exec sleep 60\n");
  auto executor = Make(false, 2);
  ASSERT_TRUE(executor->Start(Place(0)).ok());
  for (int worker : {1, 2}) ASSERT_TRUE(executor->Start(Place(worker, worker)).ok());
  for (int worker : {0, 1, 2}) AwaitFile(Own(worker) / "work" / "there");
  executor->Stop({"a", 1, 1});
  EXPECT_EQ(recorder_.Await({"a", 1, 1}).exit.signal, SIGTERM);
  executor->Stop({"a", 1, 2});  // no such start
  auto pids = ParseWorkerPids(ReadFile(Own(2) / kPidFileName).value()).value();
  ::kill(pids.worker.pid, SIGKILL);
  EXPECT_EQ(recorder_.Await({"a", 2, 2}).exit.signal, SIGKILL);
  EXPECT_FALSE(recorder_.Has({"a", 0, 1}));
  ASSERT_TRUE(executor->Start(Place(1, 3)).ok());
  AwaitFile(Own(1) / "work" / "there");
  auto begin = steady_clock::now();
  for (const WorkerId& worker : {WorkerId{"a", 0, 1}, WorkerId{"a", 1, 3}}) executor->Stop(worker);
  for (const WorkerId& worker : {WorkerId{"a", 0, 1}, WorkerId{"a", 1, 3}}) EXPECT_EQ(recorder_.Await(worker).exit.signal, SIGTERM);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(AssistantsTest, ALaterServiceAdoptsThemAll) {
  Prepare("touch there; while [ ! -e ../go ]; do sleep 0.02; done; exit 5\n");
  {
    auto executor = Make();
    ASSERT_TRUE(executor->Start(Place(0)).ok());
    ASSERT_TRUE(executor->Start(Place(1, 4)).ok());
    for (int worker : {0, 1}) AwaitFile(Own(worker) / "work" / "there");
  }
  auto executor = Make();
  executor->Adopt(Place(0), 0);
  executor->Adopt(Place(1, 4), 0);
  executor->Adopt(Place(2, 5), 0);
  EXPECT_TRUE(recorder_.Await({"a", 2, 5}).never_started);
  std::ofstream(Own(1) / "go").flush();
  EXPECT_EQ(recorder_.Await({"a", 1, 4}).exit.exit_code, 5);
  EXPECT_FALSE(recorder_.Has({"a", 0, 1}));
  executor->Stop({"a", 0, 1});
  EXPECT_EQ(recorder_.Await({"a", 0, 1}).exit.signal, SIGTERM);
}

TEST_F(AssistantsTest, InItsSandboxOneSeesTheInputsTheTokenAndTheSocketAndWritesItsOwnFolderAlone) {
  Prepare("for f in " + (folder_.path() / "model.onnx").string() + " $5 " + task_.string() +
          "/private; do cat $f >/dev/null 2>&1 && echo sees; done\n"
          "touch " + task_.string() + "/x 2>/dev/null\nfor f in $5 $(dirname $3)/x ./x; do touch $f 2>/dev/null && echo writes $f; done\nls $(dirname $3)\n");
  if (!CheckSandbox().ok()) FAIL() << CheckSandbox().ToString();
  std::ofstream(LeadSocket(task_)).flush();
  auto executor = Make(true);
  ASSERT_TRUE(executor->Start(Place(1)).ok());
  EXPECT_EQ(recorder_.Await({"a", 1, 1}).exit.exit_code, 0);
  EXPECT_EQ(Log(), "sees\nsees\nwrites ./x\nlead.sock\n");
  EXPECT_FALSE(fs::exists(task_ / "x")) << "what hides the workspace can be written to, the workspace cannot";
}

}  // namespace
}  // namespace ns
