// Pipes connections from one socket to another, both ways: between the Unix sockets that sandboxed workers use and the TCP port by which another
// machine is reached. It looks into nothing: who may connect is the business of the two that talk (a team's token).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

// "unix:/run/x.sock", "unix:../x.sock" (from the working folder), "tcp:10.0.0.1:4000", "tcp:node7:4000", "tcp:[::1]:4000".
struct RelayAddress {
  std::string path;       // of a Unix socket; empty: TCP
  std::string host;
  uint16_t port = 0;      // to listen: 0 is any free one
  std::string ToString() const;
};
// InvalidArgument (BAD_ADDRESS).
Result<RelayAddress> ParseRelayAddress(std::string_view text);

struct RelayOptions {
  RelayAddress listen;                // a Unix socket that is there already is replaced, mode 0600
  RelayAddress to;                    // a Unix socket is reached through no symbolic link of its own name
  std::filesystem::path to_file;      // not empty: holds `to`'s text instead, a line for each address of the same place, at most 16, which are
                                      // tried one after another, the last that answered first; read again for each connection
  size_t buffer_bytes = 128 << 10;    // what is held of each direction at most
  size_t connections = 1'000;         // more wait until one has ended
  int connect_seconds = 5;            // for `to` to answer; a connection for which it does not is closed
  int silence_seconds = 30;           // TCP: a machine that does not even acknowledge for so long is gone
};

class Relay {
 public:
  // Listens from now on. InvalidArgument (BAD_ADDRESS), errors of the system.
  static Result<std::unique_ptr<Relay>> Listen(const RelayOptions& options);
  virtual ~Relay() = default;
  // Where it listens: with the port that was found.
  virtual const RelayAddress& address() const = 0;
  // Relays until `stop` (a descriptor) can be read; -1: for ever. In one thread, which does nothing else. An end of one side is passed on when what
  // came before has been; both sides are closed when both have ended, or when one has failed.
  virtual void Run(int stop) = 0;
};

}  // namespace ns
