// A small HTTP server on 127.0.0.1 whose answers, right or wrong, are the test's.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace ns {

struct TestRequest {
  std::string method, path;                    // as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class TestHttpServer {
 public:
  // Writes an answer to the socket, by hand; the connection is closed after it. Called on several threads.
  using Handler = std::function<void(const TestRequest& request, int socket)>;
  explicit TestHttpServer(Handler handler);
  ~TestHttpServer();

  std::string url(const std::string& path) const;
  int port() const { return port_; }
  std::vector<TestRequest> requests() const;

 private:
  void Accept();
  void Serve(FileDescriptor socket);

  const Handler handler_;
  FileDescriptor listener_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;  // over the next two
  std::vector<TestRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread thread_;
};

void SendText(int socket, const std::string& text);
// A whole answer: "HTTP/1.1 STATUS", `headers` (each with its "\r\n"), Content-Length and the body.
void SendAnswer(int socket, const std::string& status, const std::string& headers, const std::string& body);
// A file with ETag and ranges, as a good server gives it.
void SendFileAnswer(const TestRequest& request, int socket, const std::string& content, const std::string& etag);

}  // namespace ns
