#include "tune/objective.h"

namespace ns {

SpeedVerdict Objective::CompareWithFloat(const MeasuredSpeed& speed) {
  if (speed.low > 1) return SpeedVerdict::kFaster;
  if (speed.high < 1) return SpeedVerdict::kSlower;
  return SpeedVerdict::kSame;
}

bool Objective::BeatsFloat(const MeasuredSpeed& speed, uint64_t size_bytes, uint64_t float_size_bytes) const {
  switch (CompareWithFloat(speed)) {
    case SpeedVerdict::kFaster:
      return true;
    case SpeedVerdict::kSlower:
      return false;
    case SpeedVerdict::kSame:
      return static_cast<double>(size_bytes) <= worthwhile_size * static_cast<double>(float_size_bytes);
  }
  return false;
}

}  // namespace ns
