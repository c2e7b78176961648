// Whether the service can do its work: TaskService::CheckReady.
#include "service/task_service.h"

namespace ns {

void TaskService::CheckReady(std::function<void(Status)> done) {
  if (recovering_) return done(Unavailable("Neural Solution is taking up what an earlier service left.", "RECOVERING"));
  if (!accepting_) return done(Unavailable("Neural Solution is stopping.", "DRAINING"));
  store_.CheckWritable(std::move(done));
}

}  // namespace ns
