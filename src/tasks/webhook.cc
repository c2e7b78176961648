#include "tasks/webhook.h"

#include "tasks/json_fields.h"

namespace ns {

std::string WebhookBody(const std::string& task_id, const StatusAnswer& answer) {
  Json body = {{"task_id", task_id}};
  body.update(Json::parse(StatusAnswerJson(answer)));
  return Dump(body);
}

}  // namespace ns
