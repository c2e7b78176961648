// Files in its work folder by which a worker and its supervisor tell each other what a signal cannot.
#pragma once

namespace ns {

// The worker makes it when there is a result that a stop has it write first: it then gets more time than another worker.
inline constexpr const char* kKeepingFileName = "keeping_result";

// What the worker has in work and may not fit in memory (worker/work_marks.h). A worker that is killed for its memory while there is such a file
// is started again, and finds it under the second name: it takes that piece smaller then.
inline constexpr const char* kInWorkFileName = "in_work";
inline constexpr const char* kOutOfMemoryFileName = "out_of_memory";

}  // namespace ns
