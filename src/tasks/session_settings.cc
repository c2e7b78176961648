#include "tasks/session_settings.h"

#include <fmt/format.h>

namespace ns {

std::string SessionSettingsText(const SessionSettings& settings) {
  const char* level = settings.optimization == "none"       ? "ORT_DISABLE_ALL"
                      : settings.optimization == "basic"    ? "ORT_ENABLE_BASIC"
                      : settings.optimization == "extended" ? "ORT_ENABLE_EXTENDED"
                                                            : "ORT_ENABLE_ALL";
  return fmt::format("intra_op_num_threads {}, session.intra_op.allow_spinning {}, enable_cpu_mem_arena {}, graph_optimization_level {}",
                     settings.threads, settings.spinning ? 1 : 0, settings.memory_arena ? "true" : "false", level);
}

}  // namespace ns
