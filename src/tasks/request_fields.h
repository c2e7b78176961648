// A request made or changed field by field, each value as text: what a command line says over a request file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

enum class RequestValue {
  kText,
  kNumber,      // ParseTaskSpec() says what is wrong with one that is none
  kBool,        // "true" or "false"
  kTexts,       // a list
  kWords,       // a list of which each element is one word, quoted where the service would split it
  kTextMap,     // "name=value" each
  kSources,     // "array=input" each, written as input -> array
  kBoolMap,     // "name=true" or "name=false" each; "name" alone is true
  kMetrics,     // names, or JSON objects; a list where there are several
  kObjectives,  // "size", or "size=2" with a weight; a list where there are several or a weight is given
};

struct RequestField {
  std::string path;  // "workers", "tuning.latency.batch"
  RequestValue kind = RequestValue::kText;
  std::vector<std::string> values;  // at least one; of kinds that take one, the last counts
};

// `request` (a JSON object, or "" for none yet) with these fields set; a list or map replaces the one that was there. A data set that is
// given by its path alone becomes an object where a field of it is set. InvalidArgument (BAD_REQUEST) when the request is no JSON object or
// a value has not the form of its kind. What the fields mean is checked by ParseTaskSpec().
Result<std::string> SetRequestFields(std::string_view request, const std::vector<RequestField>& fields);

}  // namespace ns
