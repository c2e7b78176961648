#include <array>

#include "base/status.h"
#include "tune/strategies/auto_search.h"
#include "tune/strategies/basic.h"
#include "tune/strategies/bayesian.h"
#include "tune/strategies/conservative.h"
#include "tune/strategies/exhaustive.h"
#include "tune/strategies/mse.h"
#include "tune/strategies/mse_v2.h"
#include "tune/strategies/random.h"
#include "tune/strategies/tpe.h"
#include "tune/strategy.h"

namespace ns {

namespace {

template <typename Type>
std::unique_ptr<Strategy> Make() {
  return std::make_unique<Type>();
}

struct Entry {
  std::string_view name;
  std::unique_ptr<Strategy> (*make)();
};

constexpr Entry kStrategies[] = {
    {"auto", Make<AutoSearch>},
    {"basic", Make<Basic>},
    {"conservative", Make<Conservative>},
    {"mse", Make<Mse>},
    {"mse_v2", Make<MseV2>},
    {"bayesian", Make<Bayesian>},
    {"tpe", Make<Tpe>},
    {"random", Make<Random>},
    {"exhaustive", Make<Exhaustive>},
};

}  // namespace

Result<std::unique_ptr<Strategy>> MakeStrategy(std::string_view name) {
  for (const Entry& entry : kStrategies)
    if (entry.name == name) return entry.make();
  return InvalidArgument(fmt::format("unknown tuning strategy '{}'; known are {}", name, fmt::join(StrategyNames(), ", ")),
                         "UNKNOWN_STRATEGY");
}

std::vector<std::string> StrategyNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kStrategies) names.emplace_back(entry.name);
  return names;
}

}  // namespace ns
