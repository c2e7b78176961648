// A server that answers as the Hugging Face hub does, and one beside it that holds the large files, as the hub's storage does.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fetch/testing/http_server.h"

namespace ns {

class TestHub {
 public:
  TestHub();

  struct File {
    std::string content;
    bool large = false;  // kept by the storage, named by its SHA-256
  };
  // One model; set before the first request.
  std::string id = "owner/name";
  std::string commit = std::string(40, 'a');
  std::string branch = "main";
  std::map<std::string, File> files;
  std::string token;                               // needed for all of it; "": none
  std::map<std::string, std::string> old_names;    // id -> what it is called now
  // Asked first, for both servers; true: it has answered.
  std::function<bool(const TestRequest& request, int socket)> fault;

  std::string endpoint() const { return hub_.url(""); }
  std::vector<TestRequest> asked() const { return hub_.requests(); }
  std::vector<TestRequest> stored() const { return storage_.requests(); }

 private:
  void Answer(const TestRequest& request, int socket);
  void Resolve(const TestRequest& request, const std::string& path, int socket);
  void Storage(const TestRequest& request, int socket);

  TestHttpServer storage_;
  TestHttpServer hub_;
};

}  // namespace ns
