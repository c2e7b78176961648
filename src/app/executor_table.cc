#include "app/executor_table.h"

#include <algorithm>

namespace ns {

namespace {

struct Entry {
  const char* name;
  Result<std::unique_ptr<Executor>> (*make)(const ExecutorSetup& setup);
};

Result<std::unique_ptr<Executor>> MakeLocal(const ExecutorSetup& setup) {
  NS_ASSIGN_OR_RETURN(auto executor, LocalExecutor::Create(setup.local));
  return std::unique_ptr<Executor>(std::move(executor));
}

// Append here.
constexpr Entry kExecutors[] = {
    {"local", MakeLocal},
};

const Entry* Find(const ServeOptions& options) {
  auto found = std::find_if(std::begin(kExecutors), std::end(kExecutors), [&](const Entry& entry) { return options.executor == entry.name; });
  return found == std::end(kExecutors) ? nullptr : found;
}

}  // namespace

Status CheckExecutor(const ServeOptions& options) {
  if (Find(options) != nullptr) return OkStatus();
  return InvalidArgument(fmt::format("--executor {} is not available in this version; use --executor local", options.executor), "NO_EXECUTOR");
}

Result<std::unique_ptr<Executor>> MakeExecutor(const ExecutorSetup& setup) {
  NS_RETURN_IF_ERROR(CheckExecutor(setup.options));
  return Find(setup.options)->make(setup);
}

}  // namespace ns
