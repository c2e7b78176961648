// The name of a range of activations.
#pragma once

#include <compare>
#include <map>
#include <string>

#include "quantize/config.h"
#include "quantize/params.h"

namespace ns {

// Which range the integers of an edge cover: of which value, and found how.
struct RangeId {
  std::string value;
  CalibrationMethod method = CalibrationMethod::kMinMax;
  auto operator<=>(const RangeId&) const = default;
};

using RangeMap = std::map<RangeId, Range>;

}  // namespace ns
