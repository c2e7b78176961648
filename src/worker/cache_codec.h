// Results of tuning as text, for the cache. Numbers come back to the last bit; infinite ones and NaN too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tune/tuning_item.h"
#include "worker/evaluator.h"

namespace ns {

// A parse of text that is none of ours: none. `item` says which kind of result is expected.
std::string ResultToText(const TuningResult& result);
std::optional<TuningResult> ResultFromText(std::string_view text, const TuningItem& item);

std::string EvaluationToText(const Evaluation& evaluation);
std::optional<Evaluation> EvaluationFromText(std::string_view text);

}  // namespace ns
