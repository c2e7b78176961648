// All chance of a history, from its seed; the same on every machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace ns::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15u + 1) {}
  // 0 to count - 1.
  int Pick(int count) { return static_cast<int>(engine_() % static_cast<uint64_t>(count)); }
  bool Chance(int percent) { return Pick(100) < percent; }
  std::chrono::milliseconds Millis(int most) { return std::chrono::milliseconds(Pick(most + 1)); }
  uint64_t Seed() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace ns::sim
