// Runs a plan of shell scripts under a real supervisor (testing/supervise.h).
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "base/subprocess.h"
#include "executors/testing/supervise.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_file.h"

namespace ns {

class SupervisedTest : public testing::Test {
 protected:
  SupervisedTest() {
    plan_.work_folder = task_ / "work";
    std::filesystem::create_directories(task_);
    std::ofstream(task_ / kEventsFileName).flush();
  }
  // A step that runs `script` in sh.
  void Add(const std::string& name, const std::string& script, const std::string& failure_reason = "", double limit = 0) {
    std::filesystem::path program = folder_.path() / (name + ".sh");
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    ::chmod(program.c_str(), 0755);
    plan_.steps.push_back({name, {program.string()}, {}, limit, failure_reason, {}});
  }
  ProcessId Start(int attempt = 1) {
    EXPECT_TRUE(WriteFileAtomic(task_ / kStepPlanFileName, StepPlanToJson(plan_)).ok());
    SpawnOptions spawn;
    spawn.argv = SupervisorOfTests();
    spawn.argv.insert(spawn.argv.end(), {"--task-folder", task_.string(), "--attempt", std::to_string(attempt)});
    spawn.stdout_file = spawn.stderr_file = log_;
    return Spawn(spawn).value();
  }
  // Runs the plan to its end.
  ExitRecord Run() {
    EXPECT_EQ(WaitChild(Start().pid).value().exit_code, 0);
    return ParseExitRecord(ReadFile(task_ / kExitStatusFileName).value()).value();
  }
  void AwaitFile(const std::filesystem::path& path) {
    for (int i = 0; i < 2000 && !std::filesystem::exists(path); ++i) ::usleep(10'000);
    ASSERT_TRUE(std::filesystem::exists(path)) << path;
  }
  std::string Log() { return ReadFile(log_).value_or(""); }
  // Below /var/tmp: a sandbox has a /tmp of its own.
  TempDir folder_ = TempDir::Create("ns_supervised_", "/var/tmp").value();
  std::filesystem::path task_ = folder_.path() / "task", log_ = folder_.path() / "log.txt";
  StepPlan plan_;
};

}  // namespace ns
