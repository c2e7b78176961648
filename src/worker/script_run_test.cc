// With the system's Python and our package from the source tree.
#include "worker/script_run.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class Sink final : public EventSink {
 public:
  Status Send(const EventPayload& event) override {
    if (auto* trial = std::get_if<TrialEvent>(&event)) trials.push_back(*trial);
    return OkStatus();
  }
  std::vector<TrialEvent> trials;
};

class ScriptRunTest : public testing::Test {
 protected:
  Result<OptimizeOutcome> Run(const std::string& script, const std::vector<std::string>& arguments = {}) {
    fs::path uploads = folder_.path() / "uploads";
    fs::create_directories(uploads);
    std::ofstream(uploads / "run.py") << script << "\n";
    fs::create_directories(work());
    TaskFile task;
    task.script_path = uploads / "run.py";
    task.output_folder = work() / "result";
    task.spec.script_url = "uploads";
    task.spec.arguments = arguments;
    fs::remove_all(task.output_folder);
    WorkContext context{clock_, sink_, stop_.get_token(), "", scratch_};
    return RunScript(task, {"/usr/bin/python3", fs::path(NS_SOURCE_DIR) / "python"}, context);
  }
  fs::path work() const { return folder_.path() / "work"; }
  nlohmann::json ReportFile() { return nlohmann::json::parse(ReadFile(work() / "result" / "report.json").value()); }

  TempDir folder_ = TempDir::Create("ns_script_run_").value();
  SystemClock clock_;
  Sink sink_;
  std::stop_source stop_;
  ScratchFolders scratch_;
};

TEST_F(ScriptRunTest, TheScriptsOwnReportCounts) {
  auto outcome = Run("import neural_solution\nopen('m.bin', 'w').write('model')\n"
                     "neural_solution.report(model='m.bin', accuracy=0.91, baseline_accuracy=0.92, duration=1.5, metric='f1')\n"
                     "print('FP32 baseline is: [Accuracy: 0.1, Duration (seconds): 9]')");
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(ReadFile(work() / "result" / "m.bin").value(), "model");
  auto report = ReportFile();
  EXPECT_EQ(report["optimized"]["metric"]["f1"], 0.91);
  EXPECT_EQ(report["baseline"]["metric"]["f1"], 0.92);
  EXPECT_EQ(report["goal_met"], false);  // 0.01 lost where 0.0092 may be
  EXPECT_FALSE(report.contains("speedup"));
  EXPECT_EQ(outcome->evaluation_seconds, 1.5);
}

TEST_F(ScriptRunTest, WithoutAReportTheNumbersComeFromTheLog) {
  auto outcome = Run("import os\nprint('[INFO] FP32 baseline is: [Accuracy: 0.9000, Duration (seconds): 0.5000]')\n"
                     "print('[INFO] Tune 1 result is: [Accuracy (int8|fp32): 0.8950|0.9000, Duration (seconds) (int8|fp32): 0.3000|0.5000], "
                     "Best tune result is: [Accuracy: 0.8950, Duration (seconds): 0.3000]')\n"
                     "os.mkdir('saved')\nopen('saved/best_model.pt', 'w').write('weights')\n"
                     "print('[INFO] Save config file and weights of quantized model to ./saved.')");
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(ReadFile(work() / "result" / "best_model.pt").value(), "weights");
  EXPECT_EQ(ReportFile()["optimized"]["metric"]["accuracy"], 0.895);
  EXPECT_EQ(ReportFile()["goal_met"], true);
  ASSERT_EQ(sink_.trials.size(), 2U);
  EXPECT_EQ(sink_.trials[0].accuracy, 0.9);
  EXPECT_TRUE(sink_.trials[1].best);
}

TEST_F(ScriptRunTest, TheExitStatusDecidesAndTheLastLineSaysWhy) {
  auto outcome = Run("import sys\nopen('m.onnx', 'w').write('m')\nprint('Save quantized model to m.onnx.')\n"
                     "print('no such column', file=sys.stderr)\nsys.exit(3)");
  EXPECT_EQ(outcome.status().reason(), "SCRIPT_FAILED");
  EXPECT_EQ(outcome.status().message(), "the script ended with exit code 3: no such column");
  EXPECT_FALSE(fs::exists(work() / "result"));
}

TEST_F(ScriptRunTest, NeitherReportNorModelIsAFailure) {
  EXPECT_EQ(Run("print('all well')").status().reason(), "NO_RESULT");
}

TEST_F(ScriptRunTest, AModelThatIsNotThereOrNotItsOwnIsAFailure) {
  for (const char* path : {"nowhere.onnx", "/etc/passwd", "../../uploads/run.py", ".."}) {
    EXPECT_EQ(Run(std::string("print('Save quantized model to ") + path + ".')").status().reason(), "MODEL_NOT_THERE") << path;
  }
}

TEST_F(ScriptRunTest, TheOnlyModelFileItWroteIsAGuess) {
  fs::create_directories(folder_.path() / "uploads");
  std::ofstream(folder_.path() / "uploads" / "before.onnx") << "before";
  ASSERT_TRUE(Run("open('mine.onnx', 'w').write('mine')").ok());
  EXPECT_EQ(ReadFile(work() / "result" / "mine.onnx").value(), "mine");
  EXPECT_FALSE(fs::exists(work() / "result" / "before.onnx"));
  EXPECT_EQ(ReportFile()["guesses"][0]["value"], "mine.onnx");
  EXPECT_EQ(Run("for n in 'ab': open(n + '.onnx', 'w').write(n)").status().reason(), "SEVERAL_MODELS");
}

TEST_F(ScriptRunTest, ItIsStoppedWithWhatItStarted) {
  std::jthread stopper([this] {
    while (!fs::exists(work() / "script" / "there")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    stop_.request_stop();
  });
  EXPECT_EQ(Run("import time\nopen('there', 'w')\ntime.sleep(60)").status().code(), StatusCode::kCancelled);
}

TEST(ScriptArgumentsTest, ItsFoldersAreNamedInArguments) {
  TempDir folder = TempDir::Create("ns_script_arguments_").value();
  fs::create_directories(folder.path() / "dataset");
  std::string data = (folder.path() / "dataset").string();
  EXPECT_EQ(ScriptArguments({"--a 'b c' --d=dataset", "--x=dataset/y", "--z=datasets", "--m=model", "=dataset"}, folder.path()).value(),
            (std::vector<std::string>{"--a", "b c", "--d=" + data, "--x=" + data + "/y", "--z=datasets", "--m=model", "=" + data}));
}

}  // namespace
}  // namespace ns
