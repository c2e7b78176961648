// Which handler answers which path.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/rest/message.h"

namespace ns {

using Handler = std::function<void(const Request&, Responder)>;

struct Route {
  std::string method;
  std::string pattern;    // "/task/status/{id}"; a slash more at the end of a path makes no difference
  bool blocking = false;  // reads or writes files, or may take longer: runs on the pool instead of the network's thread
  Handler handler;
  StreamHandler stream = {};  // instead of `handler`, for bodies that are not kept in memory; their limit is the sink's
};

class Router {
 public:
  // Earlier routes win.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;          // null: no such path or method
    std::vector<std::string> allowed;      // methods of this path, when only the method is wrong
  };
  // Fills request.path_values.
  Match Find(Request& request) const;
  // True when any route of this method takes its body as a stream.
  bool HasStreams(std::string_view method) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace ns
