// Request bodies: whatever is accepted can be written down and read again as the same request.
#include "fuzz_file.h"
#include "tasks/task_spec_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ns::ParsedTaskSpec parsed = ns::ParseTaskSpec(ns::FuzzText(data, size));
  if (auto* errors = std::get_if<std::vector<ns::FieldError>>(&parsed)) {
    NS_CHECK(!errors->empty());
    (void)ns::FieldErrorsToJson(*errors);
    (void)ns::FieldErrorsToText(*errors);
    return 0;
  }
  const ns::TaskSpec& spec = std::get<ns::TaskSpec>(parsed);
  ns::ParsedTaskSpec again = ns::ParseTaskSpec(ns::TaskSpecToJson(spec));
  NS_CHECK(std::holds_alternative<ns::TaskSpec>(again));
  NS_CHECK(ns::TaskSpecToJson(std::get<ns::TaskSpec>(again)) == ns::TaskSpecToJson(spec));
  return 0;
}
