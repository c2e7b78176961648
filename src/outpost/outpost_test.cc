// An outpost as a process of its own (this program, see testing/), on the service's real port. Its supervisor is a shell script.
#include "outpost/outpost.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <thread>

#include "api/rest/handlers/outpost.h"
#include "api/rest/server.h"
#include "base/hash.h"
#include "base/subprocess.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_event.h"
#include "tasks/task_file.h"
#include "tasks/team_files.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

const std::string kTask = "aaaaaaaaaaaa4aaa8aaaaaaaaaaaaaaa", kToken(64, '7');

class OutpostTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    Write(folder_ / "outpost_token", kToken);
    Write(folder_ / "events.jsonl", "");
    Write(root_.path() / "model.onnx", "the model");
    TaskFile task;
    task.task_id = kTask;
    task.model_path = "/m";
    task.output_folder = "/o";
    task.events_file = folder_ / "events.jsonl";
    task.cache_folder = folder_ / "journal";
    task.spec.model = "m";
    task.spec.dataset.emplace().path = "rows.npz";
    Write(folder_ / "task.json", TaskFileToJson(task));
    Write(folder_ / "journal" / Entry('a'), "{\"from\": \"an earlier attempt\"}");
    Serve(0);
  }
  void TearDown() override {
    if (server_) server_->Stop();
  }
  static void Write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  static std::string Entry(char digit) { return std::string(64, digit) + ".json"; }
  static std::string Event(uint64_t seq) { return TaskEventToJson({seq, WallTime{}, StageEvent{"s"}}); }
  void Serve(uint16_t port) {
    RestServer::Options options;
    options.port = port;
    server_ = RestServer::Listen(options, MakeOutpostRouter(*desk_)).value();
    port_ = server_->port();
    server_->Serve();
  }
  // A worker whose supervisor runs this in its folder on the node, which is $TASK.
  void Prepare(int worker, int fence, const std::string& script) {
    fs::path folder = WorkerFolder(folder_, worker);
    StepPlan plan;
    plan.attempt = fence;
    plan.work_folder = "/w";
    plan.steps = {{"worker", {"/bin/true"}, {}, 0, "", {}}};
    plan.steps[0].sandbox.shared = {(node_ / "fetch").string()};
    Write(folder / "steps.json", StepPlanToJson(plan));
    std::vector<OutpostInput> inputs = {{root_.path() / "model.onnx", "given/model/model.onnx", true, true, false}};
    if (worker == 0) {
      inputs.push_back({folder_ / "journal", "cache", false, false, false});
      inputs.push_back({folder_ / "events.jsonl", "events.jsonl", false, false, false});
    }
    inputs.push_back({folder / "steps.json", (WorkerFolder({}, worker) / "steps.json").string(), false, false, false});
    Write(folder / "outpost.json", OutpostInputsToJson(inputs));
    Write(root_.path() / fmt::format("supervisor{}", worker), "#!/bin/sh\n" + script);
    ::chmod((root_.path() / fmt::format("supervisor{}", worker)).c_str(), 0755);
  }
  ProcessId Start(int worker, int fence) {
    SpawnOptions spawn;
    OutpostWords words;
    words.services = {"http://127.0.0.1:1", fmt::format("http://127.0.0.1:{}", port_)};  // at the first nobody answers
    words.node_folder = node_;
    words.cache_bytes = 1 << 20;
    spawn.argv = OutpostCommand(ThisProgram().value().string(), words);
    for (const std::string& word : {std::string("--task"), kTask, std::string("--worker"), fmt::format("{}:{}", worker, fence), std::string("--"),
                                    (root_.path() / fmt::format("supervisor{}", worker)).string()}) {
      spawn.argv.push_back(word);
    }
    spawn.set_environment = {{"NEURAL_SOLUTION_OUTPOST_TOKEN", kToken}, {"TASK", (node_ / "tasks" / kTask).string()}};
    spawn.stdout_file = spawn.stderr_file = root_.path() / "said";
    return Spawn(spawn).value();
  }
  int Run(int worker, int fence) {
    ExitStatus exit = WaitChild(Start(worker, fence).pid).value();
    return exit.signal == 0 ? exit.exit_code : 1000 + exit.signal;
  }
  bool Until(const std::function<bool()>& condition) const {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  std::string Read(const fs::path& path) const { return ReadFile(path).value_or("(none)"); }
  std::string Said() const { return Read(root_.path() / "said"); }
  static std::string WriteEnd(int fence, const std::string& name = "exit_status") {
    return fmt::format("echo '{{\"attempt\": {}, \"exit_code\": 0, \"signal\": 0, \"step\": \"worker\"}}' > {}\n", fence, name);
  }

  TempDir root_ = TempDir::Create("ns_outpost_").value();
  Workspace workspace_ = Workspace::Create(root_.path() / "ws").value();
  fs::path folder_ = workspace_.task_folder(kTask), node_ = root_.path() / "node";
  SystemClock clock_;
  std::unique_ptr<OutpostDesk> desk_ = OutpostDesk::Open({}, workspace_, clock_).value();
  std::unique_ptr<RestServer> server_;
  uint16_t port_ = 0;
};

TEST_F(OutpostTest, AWorkerFindsItsFilesAndWhatItWritesComesToTheService) {
  Prepare(0, 1, "cat $TASK/given/model/model.onnx $TASK/cache/*.json\nmkdir -p work/cache result/more\necho new > work/cache/" + Entry('b') + "\necho '" + Event(1) +
                    "' >> events.jsonl\necho m > result/more/model.onnx; echo r > result/report.json\n" + WriteEnd(1) + "exit 0\n");
  ASSERT_EQ(Run(0, 1), 0) << Said();
  ASSERT_TRUE(fs::exists(folder_ / "exit_status")) << Said();
  EXPECT_EQ(Read(workspace_.task_log(kTask)), "the model{\"from\": \"an earlier attempt\"}");
  EXPECT_EQ(Read(folder_ / "events.jsonl"), Event(1) + "\n");
  EXPECT_EQ(Read(folder_ / "journal" / Entry('b')), "new\n");
  EXPECT_EQ(Read(folder_ / "result/more/model.onnx"), "m\n");
  EXPECT_EQ(Read(folder_ / "result/report.json"), "r\n");
  EXPECT_EQ(ParseExitRecord(Read(folder_ / "exit_status")).value().attempt, 1);
  EXPECT_FALSE(fs::exists(node_ / "tasks" / kTask)) << "nothing of it stays on the node";
  EXPECT_TRUE(fs::is_directory(node_ / "fetch"));
  EXPECT_TRUE(fs::exists(node_ / "files" / Sha256Hex("the model"))) << "but what others may need";
}

TEST_F(OutpostTest, AssistantsLearnTheLeadsAddressAgainWhenItChanges) {
  Prepare(0, 1, "sleep 60");
  ASSERT_TRUE(desk_->Begin({{kTask, 0, 1}, kToken, std::string(32, '1')}).ok());
  Prepare(3, 7, "while ! grep -q 10.0.0.2 team_address 2>/dev/null; do sleep 0.05; done\n" + WriteEnd(7));
  ProcessId outpost = Start(3, 7);
  auto lead = [&](const std::string& address) { return desk_->TakeBeat({{kTask, 0, 1}, kToken, std::string(32, '1')}, {"", address}).ok(); };
  EXPECT_TRUE(lead("tcp:10.0.0.1:4000\n"));
  EXPECT_TRUE(Until([&] { return Read(node_ / "tasks" / kTask / "workers/3/team_address") == "tcp:10.0.0.1:4000\n"; })) << Said();
  EXPECT_TRUE(lead("tcp:10.0.0.2:4000\n"));
  EXPECT_EQ(WaitChild(outpost.pid).value().exit_code, 0) << Said();
  EXPECT_EQ(ParseExitRecord(Read(WorkerFolder(folder_, 3) / "exit_status")).value().attempt, 7);
}

TEST_F(OutpostTest, WhileTheServiceIsAwayTheWorkerGoesOnAndAllIsSentWhenItIsBack) {
  Prepare(0, 1, "echo '" + Event(1) + "' >> events.jsonl\nwhile [ ! -e $TASK/../../go ]; do sleep 0.05; done\necho '" + Event(2) +
                    "' >> events.jsonl; echo said; mkdir result; echo r > result/report.json\n" + WriteEnd(1));
  ProcessId outpost = Start(0, 1);
  ASSERT_TRUE(Until([&] { return Read(folder_ / "events.jsonl") == Event(1) + "\n"; })) << Said();
  server_->Stop();
  server_.reset();
  Write(node_ / "go", "");
  ASSERT_TRUE(Until([&] { return fs::exists(node_ / "tasks" / kTask / "exit_status"); }));
  desk_ = OutpostDesk::Open({}, workspace_, clock_).value();
  Serve(port_);
  EXPECT_EQ(WaitChild(outpost.pid).value().exit_code, 0) << Said();
  EXPECT_EQ(Read(folder_ / "events.jsonl"), Event(1) + "\n" + Event(2) + "\n");
  EXPECT_EQ(Read(folder_ / "result/report.json"), "r\n");
  EXPECT_EQ(Read(workspace_.task_log(kTask)).find("said\n"), 0u) << "once, and then that the service was away";
  EXPECT_EQ(Read(workspace_.task_log(kTask)).rfind("said\n"), 0u);
}

TEST_F(OutpostTest, OneThatWasGivenUpEndsItsSupervisorAndBringsNothing) {
  Prepare(0, 1, "trap 'exit 9' USR1\necho there > $TASK/../../there\nwhile true; do sleep 0.05; done");
  ProcessId outpost = Start(0, 1);
  ASSERT_TRUE(Until([&] { return fs::exists(node_ / "there"); })) << Said();
  Prepare(0, 2, "exit 0");
  EXPECT_EQ(WaitChild(outpost.pid).value().exit_code, 0) << Said();
  EXPECT_FALSE(fs::exists(folder_ / "exit_status"));
  EXPECT_FALSE(fs::exists(node_ / "tasks" / kTask));
  EXPECT_EQ(Run(0, 1), 0) << "nor does it begin again";
}

TEST_F(OutpostTest, SignalsReachTheSupervisorAndWhatItKeptIsBrought) {
  Prepare(0, 1, "trap 'mkdir -p cache; echo kept > cache/" + Entry('c') + "; exit 75' TERM\necho there > $TASK/../../there\nwhile true; do sleep 0.05; done");
  ProcessId outpost = Start(0, 1);
  ASSERT_TRUE(Until([&] { return fs::exists(node_ / "there"); })) << Said();
  ASSERT_TRUE(SignalProcess(outpost, SIGTERM).ok());
  EXPECT_EQ(WaitChild(outpost.pid).value().exit_code, 75) << Said();
  EXPECT_EQ(Read(folder_ / "journal" / Entry('c')), "kept\n");
  EXPECT_FALSE(fs::exists(folder_ / "exit_status")) << "the same attempt is started again";
}

TEST_F(OutpostTest, AFileThatIsGoneIsALostAttemptThatSaysWhy) {
  Prepare(0, 1, "exit 0");
  ASSERT_TRUE(desk_->Begin({{kTask, 0, 1}, kToken, std::string(32, '1')}).ok());
  fs::remove(root_.path() / "model.onnx");
  EXPECT_EQ(Run(0, 1), 75);
  EXPECT_NE(Said().find("model.onnx"), std::string::npos) << Said();
}

TEST_F(OutpostTest, WithoutTheTasksTokenNothingBegins) {
  Prepare(0, 1, "echo > $TASK/../../there");
  Write(folder_ / "outpost_token", std::string(64, '8'));
  EXPECT_EQ(Run(0, 1), 0);
  EXPECT_NE(Said().find("not the token"), std::string::npos) << Said();
  EXPECT_FALSE(fs::exists(node_));
}

TEST(OutpostWordsTest, AreReadAsTheyAreWritten) {
  OutpostWords words{{"http://10.0.0.1:3333", "http://[fd00::1]:3333"}, "sha256//x", "/node", 7, "", {}, {}};
  std::vector<std::string> command = OutpostCommand("/opt/ns", words);
  EXPECT_EQ(std::vector<std::string>(command.begin(), command.begin() + 2), (std::vector<std::string>{"/opt/ns", "outpost"}));
  for (const char* word : {"--task", "t", "--worker", "0:2", "--worker", "3:9", "--", "/opt/supervisor", "--task-folder", "/x"}) command.push_back(word);
  auto read = ParseOutpostWords({command.begin() + 2, command.end()}).value();
  EXPECT_EQ(read.services, words.services);
  EXPECT_EQ(read.tls_pin, "sha256//x");
  EXPECT_EQ(read.cache_bytes, 7u);
  EXPECT_EQ(read.workers, (std::map<int, int>{{0, 2}, {3, 9}}));
  EXPECT_EQ(read.supervisor, (std::vector<std::string>{"/opt/supervisor", "--task-folder", "/x"}));
  EXPECT_EQ(ParseOutpostWords({"--task"}).status().reason(), "BAD_USAGE");
  EXPECT_EQ(ParseOutpostWords({"--node-folder", "relative", "--service", "s", "--task", "t", "--worker", "0:1", "--", "x"}).status().reason(), "BAD_USAGE");
}

}  // namespace
}  // namespace ns
