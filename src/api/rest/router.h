// Which handler answers which path.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/rest/message.h"
#include "api/rest/route_doc.h"

namespace ns {

using Handler = std::function<void(const Request&, Responder)>;

// Answers what it can from memory, on the network's thread; false: it has not, and a Handler must.
using QuickHandler = std::function<bool(const Request&, const Responder&)>;

struct Route {
  std::string method;
  std::string pattern;    // "/task/status/{id}"; a slash more at the end of a path makes no difference
  bool blocking = false;  // reads or writes files, or may take longer: runs on the pool instead of the network's thread
  Handler handler = {};
  RouteDoc doc = {};      // what GET /openapi.json says of it
  QuickHandler at_once = {};  // asked first
  StreamHandler stream = {};  // instead of `handler`, for bodies that are not kept in memory; their limit is the sink's
};

class Router {
 public:
  // The first pattern that fits a path names it: a longer literal part goes before a {name}.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;          // null: no such path or method
    std::vector<std::string> allowed;      // methods of this path, when only the method is wrong
  };
  // Fills request.path_values.
  Match Find(Request& request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> segments_;  // of each route's pattern
};

}  // namespace ns
