// A client of bytes, for tests of what is on the wire.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/file.h"

namespace ns {

inline FileDescriptor ConnectTo(uint16_t port) {
  FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

// What comes next; "" at the end, or when the other side has broken off.
inline std::string ReadSome(const FileDescriptor& fd, size_t at_most = 1 << 16) {
  std::string text(at_most, '\0');
  ssize_t got = ::recv(fd.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

inline void Write(const FileDescriptor& fd, const std::string& text) { ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL); }

}  // namespace ns
