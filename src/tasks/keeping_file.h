// How a worker tells its supervisor that it has something to write when it is stopped.
#pragma once

namespace ns {

// The worker makes it in its work folder when there is a result that a stop has it write first: it then gets more time than another worker.
inline constexpr const char* kKeepingFileName = "keeping_result";

}  // namespace ns
