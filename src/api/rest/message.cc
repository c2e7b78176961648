#include "api/rest/message.h"

#include <strings.h>

namespace ns {

namespace {
const std::string kNone;
}

const std::string* Request::FindHeader(std::string_view name) const {
  for (const auto& [have, value] : headers) {
    if (have.size() == name.size() && ::strncasecmp(have.data(), name.data(), name.size()) == 0) return &value;
  }
  return nullptr;
}

const std::string& Request::Header(std::string_view name) const {
  const std::string* found = FindHeader(name);
  return found == nullptr ? kNone : *found;
}

const std::string& Request::Value(const std::string& name) const {
  auto found = path_values.find(name);
  return found == path_values.end() ? kNone : found->second;
}

Response JsonResponse(int status, std::string json) {
  Response response;
  response.status = status;
  response.body = std::move(json);
  return response;
}

}  // namespace ns
