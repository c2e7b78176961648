#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/testing/fake_clock.h"
#include "worker/views/json_view.h"
#include "worker/views/line_view.h"
#include "worker/views/terminal_view.h"

namespace ns {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// What a view wrote to a FILE in memory.
class Captured {
 public:
  Captured() : file_(::open_memstream(&text_, &size_)) {}
  ~Captured() {
    std::fclose(file_);
    std::free(text_);
  }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

TrialEvent Passing() {
  TrialEvent trial;
  trial.index = 1;
  trial.configuration = "static";
  trial.metric = "accuracy";
  trial.accuracy = 0.895;
  trial.duration_seconds = 2.5;
  trial.size_bytes = 3'100'000;
  trial.meets_criterion = trial.best = true;
  return trial;
}

TEST(DurationTextTest, GrowsItsUnit) {
  EXPECT_EQ(DurationText(0.25), "0.2 s");
  EXPECT_EQ(DurationText(59.4), "59 s");
  EXPECT_EQ(DurationText(200), "3 min 20 s");
  EXPECT_EQ(DurationText(3900), "1 h 5 min");
}

// A model's names are a stranger's.
TEST(LineViewTest, NamesCommandNoTerminalAndBeginNoLine) {
  Captured lines, terminal;
  FakeClock clock;
  NoteEvent note{"the worst is MatMul '\x1b]0;pwned\x07\n[    9.9 s] trial 1 holds'"};
  ASSERT_TRUE(LineView(lines.file(), clock).Send(note).ok());
  EXPECT_EQ(lines.text(), "[    0.0 s] the worst is MatMul '\\x1b]0;pwned\\x07\\n[    9.9 s] trial 1 holds'\n");
  ASSERT_TRUE(TerminalView(terminal.file(), 80).Send(note).ok());
  EXPECT_THAT(terminal.text(), HasSubstr("'\\x1b]0;pwned\\x07\\n["));
}

TEST(LineViewTest, WritesStagesTrialsAndNotesWithoutControlCharacters) {
  Captured out;
  FakeClock clock;
  LineView view(out.file(), clock);
  ASSERT_TRUE(view.Send(StageEvent{"baseline"}).ok());
  clock.Advance(1500ms);
  ASSERT_TRUE(view.Send(Passing()).ok());
  ASSERT_TRUE(view.Send(NoteEvent{"odd", true}).ok());
  EXPECT_EQ(out.text(),
            "[    0.0 s] baseline\n"
            "[    1.5 s] trial 1: static: accuracy 0.8950 holds, evaluated in 2.5 s, 3.10 MB\n"
            "[    1.5 s] warning: odd\n");
}

TEST(LineViewTest, ShowsProgressOnlyEveryTenSeconds) {
  Captured out;
  FakeClock clock;
  LineView view(out.file(), clock);
  for (int i = 1; i <= 25; ++i) {
    clock.Advance(1s);
    ASSERT_TRUE(view.Send(ProgressEvent{"baseline", i * 1.0, 25, std::nullopt}).ok());
  }
  EXPECT_EQ(out.text(), "[   10.0 s] baseline 40 %\n[   20.0 s] baseline 80 %\n");
}

TEST(TerminalViewTest, TheBarNamesStageBestAndTimeLeft) {
  Captured out;
  TerminalView view(out.file(), 120);
  ASSERT_TRUE(view.Send(StageEvent{"evaluate"}).ok());
  ASSERT_TRUE(view.Send(Passing()).ok());
  ASSERT_TRUE(view.Send(ProgressEvent{"evaluate", 50, 100, 12.0}).ok());
  EXPECT_EQ(view.Bar(), "[############............]  50 % evaluate, best accuracy 0.8950 (static), 12 s left");
}

TEST(TerminalViewTest, TheBarFitsTheTerminal) {
  Captured out;
  TerminalView view(out.file(), 30);
  ASSERT_TRUE(view.Send(StageEvent{"evaluate"}).ok());
  ASSERT_TRUE(view.Send(Passing()).ok());
  EXPECT_EQ(view.Bar().size(), 29u);
}

TEST(JsonViewTest, WritesOneNumberedEventALine) {
  Captured out;
  FakeClock clock;
  JsonView view(out.file(), clock);
  ASSERT_TRUE(view.Send(StageEvent{"load"}).ok());
  ASSERT_TRUE(view.Send(NoteEvent{"two\nlines", false}).ok());
  std::string text = out.text();
  size_t end = text.find('\n');
  auto first = ParseTaskEvent(text.substr(0, end));
  auto second = ParseTaskEvent(text.substr(end + 1, text.size() - end - 2));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->seq, 1u);
  EXPECT_EQ(second->seq, 2u);
  EXPECT_EQ(std::get<NoteEvent>(second->payload).text, "two\nlines");
}

}  // namespace
}  // namespace ns
