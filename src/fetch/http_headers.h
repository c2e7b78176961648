// The headers of an answer.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ns {

class HttpHeaders {
 public:
  // One line as it came; a status line begins anew.
  void Add(std::string_view line);
  // By its lower-case name; "" when it is not there.
  std::string Get(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// The file name of a Content-Disposition header ("attachment; filename=\"a.onnx\""); "" when it names none.
std::string DispositionName(std::string_view text);

}  // namespace ns
