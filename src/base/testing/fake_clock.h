// A Clock that moves only when told to.
#pragma once

#include "base/clock.h"

namespace ns {

class FakeClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(std::chrono::microseconds(1'700'000'000'000'000)) + passed_; }
  SteadyTime steady() const override { return SteadyTime() + passed_; }
  void Advance(std::chrono::microseconds by) { passed_ += by; }

 private:
  std::chrono::microseconds passed_{0};
};

}  // namespace ns
