// How a long piece of work says where it is. One sink shows a bar, another writes events, a third does nothing.
#pragma once

#include <string_view>

namespace ns {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // `stage`: a short name ("calibrate"); `done` of `total` units of that stage (total 0: unknown). Cheap; may be called often, from one
  // thread at a time.
  virtual void Progress(std::string_view stage, double done, double total) = 0;
  // A line for people: a decision, a warning. No line break at its end.
  virtual void Note(std::string_view text) = 0;
};

class NullProgress final : public ProgressSink {
 public:
  void Progress(std::string_view, double, double) override {}
  void Note(std::string_view) override {}
};

}  // namespace ns
