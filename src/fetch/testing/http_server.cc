#include "fetch/testing/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace ns {

TestHttpServer::TestHttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  NS_CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  NS_CHECK(::listen(listener_.get(), 64) == 0);
  NS_CHECK(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Accept(); });
}

TestHttpServer::~TestHttpServer() {
  stop_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
  for (std::thread& connection : connections_) connection.join();
}

std::string TestHttpServer::url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }

std::vector<TestRequest> TestHttpServer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void TestHttpServer::Accept() {
  while (!stop_) {
    FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.valid()) continue;
    std::lock_guard lock(mutex_);
    connections_.emplace_back([this, fd = std::make_shared<FileDescriptor>(std::move(socket))] { Serve(std::move(*fd)); });
  }
}

void TestHttpServer::Serve(FileDescriptor socket) {
  std::string text;
  char buffer[4096];
  auto more = [&] {
    ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
    return got > 0;
  };
  while (text.find("\r\n\r\n") == std::string::npos) {
    if (!more()) return;
  }
  TestRequest request;
  size_t head = text.find("\r\n\r\n") + 4, line = text.find("\r\n");
  size_t blank = text.find(' '), second = text.find(' ', blank + 1);
  request.method = text.substr(0, blank);
  request.path = text.substr(blank + 1, second - blank - 1);
  for (size_t at = line + 2; at < head - 2;) {
    size_t end = text.find("\r\n", at), colon = text.find(':', at);
    std::string name = text.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    size_t value = text.find_first_not_of(' ', colon + 1);
    request.headers[name] = text.substr(value, end - value);
    at = end + 2;
  }
  size_t length = std::strtoul(request.headers["content-length"].c_str(), nullptr, 10);
  while (text.size() < head + length && more()) {
  }
  request.body = text.substr(head);
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  handler_(request, socket.get());
  ::shutdown(socket.get(), SHUT_RDWR);
}

void SendText(int socket, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    ssize_t got = ::send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (got <= 0) return;
    sent += static_cast<size_t>(got);
  }
}

void SendAnswer(int socket, const std::string& status, const std::string& headers, const std::string& body) {
  SendText(socket, fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}", status, headers, body.size(), body));
}

void SendFileAnswer(const TestRequest& request, int socket, const std::string& content, const std::string& etag) {
  auto header = [&](const char* name) {
    auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
  };
  std::string tag = fmt::format("ETag: {}\r\n", etag), range = header("range");
  if (header("if-none-match") == etag) return SendText(socket, "HTTP/1.1 304 Not Modified\r\n" + tag + "Connection: close\r\n\r\n");
  if (range.empty() || header("if-range") != etag) return SendAnswer(socket, "200 OK", tag, content);
  size_t from = std::strtoul(range.c_str() + 6, nullptr, 10);
  std::string where = fmt::format("Content-Range: bytes {}-{}/{}\r\n", from, content.size() - 1, content.size());
  SendAnswer(socket, "206 Partial Content", tag + where, content.substr(from));
}

}  // namespace ns
