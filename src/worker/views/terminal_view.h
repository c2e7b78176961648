// Events on a terminal: one line that is drawn over (a bar, the stage, the best so far, the time left), and lines above
// it that stay.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "worker/event_sink.h"

namespace ns {

class TerminalView final : public EventSink {
 public:
  // `columns`: width of the terminal.
  TerminalView(std::FILE* out, int columns) : out_(out), columns_(columns) {}
  ~TerminalView() override;
  Status Send(const EventPayload& event) override;

  // The line as it is now, cut to the width, without control characters.
  std::string Bar() const;

 private:
  void Draw();
  void Above(const std::string& text);

  std::FILE* out_;
  const int columns_;
  std::string stage_;
  double fraction_ = 0;
  std::optional<double> seconds_left_;
  std::string best_;
  bool drawn_ = false;
};

}  // namespace ns
