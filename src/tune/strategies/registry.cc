#include "base/status.h"
#include "tune/strategies/auto_search.h"
#include "tune/strategy.h"

namespace ns {

Result<std::unique_ptr<Strategy>> MakeStrategy(std::string_view name) {
  if (name == "auto") return std::unique_ptr<Strategy>(std::make_unique<AutoSearch>());
  return InvalidArgument(fmt::format("unknown tuning strategy '{}'", name), "UNKNOWN_STRATEGY");
}

}  // namespace ns
