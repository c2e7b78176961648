// Plain types to the messages of the gRPC API.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <string>
#include <vector>

#include "neural_solution.pb.h"
#include "service/task_service.h"
#include "tasks/answers.h"

namespace ns {

namespace pb = ::neural_solution;

// none: not within the years 1 to 9999, as a Timestamp has to be.
std::optional<WallTime> ToWallTime(const google::protobuf::Timestamp& time);
void FillTime(WallTime time, google::protobuf::Timestamp* out);

void FillTaskStatus(const StatusAnswer& answer, pb::TaskStatus* out);
void FillTaskResult(const StatusAnswer& answer, pb::ResponseTaskResult* out);
void FillSummary(const TaskSummary& task, pb::TaskSummary* out);
void FillCluster(const std::vector<NodeView>& nodes, pb::Cluster* out);
void FillEvent(const TaskEvent& event, pb::TaskEvent* out);

}  // namespace ns
