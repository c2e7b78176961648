// Simulated histories of the service, each from its seed.
//
//   ns_sim [--histories N] [--first SEED] [--steps N] [--bug NAME]   runs N histories; exit status 1 and the command that replays it for the
//                                                                    first one that breaks a rule
//   ns_sim --seed SEED [--bug NAME]                                  one history, step by step
//   ns_sim --find-bugs [--histories N]                               switches each known mistake on in turn: each must be found within N
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "world.h"

namespace ns::sim {
namespace {

constexpr std::pair<const char*, SeededBug> kBugs[] = {
    {"forget_slot", SeededBug::kForgetSlot},
    {"lose_wake_up", SeededBug::kLoseWakeUp},
    {"no_age", SeededBug::kNoAge},
    {"unfair", SeededBug::kUnfair},
    {"free_held_twice", SeededBug::kFreeHeldTwice},
    {"no_backoff", SeededBug::kNoBackoff},
    {"retry_forever", SeededBug::kRetryForever},
    {"grow_first", SeededBug::kGrowFirst},
    {"miss_deadline", SeededBug::kMissDeadline},
    {"two_on_a_slot", SeededBug::kTwoOnASlot},
    {"keep_assistants", SeededBug::kKeepAssistants},
    {"no_reclaim", SeededBug::kNoReclaim},
    {"ignore_surplus", SeededBug::kIgnoreSurplus},
    {"restart_at_once", SeededBug::kRestartAtOnce},
    {"start_before_commit", SeededBug::kStartBeforeCommit},
    {"ack_cancel_early", SeededBug::kAckCancelEarly},
    {"hear_stale", SeededBug::kHearStale},
    {"forget_assistants", SeededBug::kForgetAssistants},
    {"forget_backlog", SeededBug::kForgetBacklog},
    {"drop_sync", SeededBug::kDropSync},
    {"skip_fence", SeededBug::kSkipFence},
    {"forget_fences", SeededBug::kForgetFences},
    {"store_events_twice", SeededBug::kStoreEventsTwice},
};

struct Arguments {
  uint64_t first = 0, histories = 2'000;
  int steps = 300;
  const char* bug_name = nullptr;
  SeededBug bug = SeededBug::kNone;
  bool one = false, find_bugs = false;
};

bool ReadNumber(const char* text, uint64_t* out) {
  auto [end, error] = std::from_chars(text, text + std::strlen(text), *out);
  return error == std::errc() && *end == '\0';
}

bool Read(int argc, char** argv, Arguments* out) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--find-bugs") {
      out->find_bugs = true;
      continue;
    }
    uint64_t number = 0;
    if (++i >= argc) return false;
    bool good = ReadNumber(argv[i], &number);
    if (name == "--histories" && good) {
      out->histories = number;
    } else if (name == "--first" && good) {
      out->first = number;
    } else if (name == "--seed" && good) {
      out->first = number;
      out->one = true;
    } else if (name == "--steps" && good) {
      out->steps = static_cast<int>(number);
    } else if (name == "--bug") {
      for (const auto& [known, bug] : kBugs) {
        if (std::strcmp(known, argv[i]) == 0) out->bug = bug, out->bug_name = known;
      }
      if (out->bug_name == nullptr) return false;
    } else {
      return false;
    }
  }
  return true;
}

// The first seed that fails, of `histories` from `first` on; -1: none.
int64_t FirstFailure(const Arguments& args, SeededBug bug, std::vector<std::string>* violations) {
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> failed{UINT64_MAX};
  std::mutex mutex;
  auto work = [&] {
    for (uint64_t i; (i = next++) < args.histories && i < failed;) {
      std::vector<std::string> found = World({args.first + i, bug, args.steps, false}).Run();
      std::lock_guard lock(mutex);
      if (found.empty() || i >= failed) continue;
      failed = i;
      *violations = std::move(found);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::max(1u, std::min(64u, std::thread::hardware_concurrency())); ++t) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return failed == UINT64_MAX ? -1 : static_cast<int64_t>(args.first + failed);
}

void Report(const char* program, const Arguments& args, int64_t seed, const char* bug, const std::vector<std::string>& violations) {
  for (const std::string& what : violations) std::printf("  %s\n", what.c_str());
  std::printf("replay: %s --seed %lld --steps %d%s%s\n", program, static_cast<long long>(seed), args.steps, bug == nullptr ? "" : " --bug ",
              bug == nullptr ? "" : bug);
}

int Main(int argc, char** argv) {
  Arguments args;
  if (!Read(argc, argv, &args)) {
    std::fprintf(stderr, "usage: %s [--histories N] [--first SEED] [--steps N] [--bug NAME] | --seed SEED | --find-bugs\n", argv[0]);
    return 64;
  }
  if (!LogToFile("/dev/null", LogLevel::kError).ok()) return 1;
  if (args.one) {
    std::vector<std::string> violations = World({args.first, args.bug, args.steps, true}).Run();
    for (const std::string& what : violations) std::printf("BROKEN: %s\n", what.c_str());
    return violations.empty() ? 0 : 1;
  }
  if (args.find_bugs) {
    int missed = 0;
    for (const auto& [name, bug] : kBugs) {
      std::vector<std::string> violations;
      int64_t seed = FirstFailure(args, bug, &violations);
      if (seed < 0) ++missed;
      std::printf("%-20s %s\n", name, seed < 0 ? "NOT FOUND" : fmt::format("found by seed {}: {}", seed, violations[0]).c_str());
    }
    return missed == 0 ? 0 : 1;
  }
  std::vector<std::string> violations;
  int64_t seed = FirstFailure(args, args.bug, &violations);
  if (seed < 0) return std::printf("%llu histories, nothing broken\n", static_cast<unsigned long long>(args.histories)), 0;
  std::printf("seed %lld breaks a rule:\n", static_cast<long long>(seed));
  Report(argv[0], args, seed, args.bug_name, violations);
  return 1;
}

}  // namespace
}  // namespace ns::sim

int main(int argc, char** argv) { return ns::sim::Main(argc, argv); }
