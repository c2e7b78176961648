// Time as an input: code that decides by time takes a Clock, tests give it a FakeClock (base/testing/fake_clock.h).
#pragma once

#include <chrono>

namespace ns {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;      // for records that people read
  virtual SteadyTime steady() const = 0;  // for durations and deadlines
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace ns
