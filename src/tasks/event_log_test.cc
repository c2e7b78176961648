#include "tasks/event_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

namespace ns {
namespace {

// While it lives, files may not grow beyond `bytes`: a write there is cut short and the next one fails, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

TEST(EventLogTest, AnAppendThatFailsPartWayLeavesTheFileAsItWas) {
  auto folder = TempDir::Create("ns_events_").value();
  auto path = folder.path() / "events.jsonl";
  SystemClock clock;
  auto log = EventLog::Open(path, clock).value();
  ASSERT_TRUE(log->Append(StageEvent{"one"}).ok());
  std::string before = ReadFile(path).value();
  {
    FileSizeLimit limit(before.size() + 10);  // room for 10 bytes of the next line
    EXPECT_FALSE(log->Append(StageEvent{"two"}).ok());
  }
  EXPECT_EQ(ReadFile(path).value(), before);
  ASSERT_TRUE(log->Append(StageEvent{"three"}).ok());
  std::string added = ReadFile(path).value().substr(before.size());
  auto event = ParseTaskEvent(std::string_view(added).substr(0, added.size() - 1));
  ASSERT_TRUE(event.ok()) << event.status().ToString();
  EXPECT_EQ(event->seq, 2u);  // the one that failed took no number
}

}  // namespace
}  // namespace ns
