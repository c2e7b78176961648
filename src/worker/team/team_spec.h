// What an assistant is told of its task when it joins, and the blobs that items name. Text and bytes of our own; both ends are one version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tasks/report.h"
#include "tune/accuracy_goals.h"
#include "worker/evaluator.h"
#include "worker/options.h"

namespace ns {

struct TeamSpec {
  std::filesystem::path model;
  DataOptions data;
  std::vector<MetricRequest> metrics;  // named; criteria are not told
  bool labels = false;                 // the data must have some
  std::vector<InputReport> inputs;     // digests, to be checked
  int64_t evaluation_rows = 0;         // spread over those of `data`: a lead that is short of time takes fewer
};
std::string TeamSpecToText(const TeamSpec& spec);
// InvalidArgument (BAD_TEAM_SPEC).
Result<TeamSpec> TeamSpecFromText(std::string_view text);

// What an EarlyStopper is made of.
struct StopperParts {
  std::vector<AccuracyGoal> goals;
  Evaluation baseline;
  uint64_t seed = 0;
  bool small = false;         // Evaluator::GoSmall()
  std::vector<int64_t> rows;  // that are evaluated from now on; empty: those told of before
};
std::string StopperToText(const StopperParts& parts);
// InvalidArgument (BAD_TEAM_SPEC).
Result<StopperParts> StopperFromText(std::string_view text);

}  // namespace ns
