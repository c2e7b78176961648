// Sockets of a relay: of both kinds, none of them ever waits.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "executors/relay.h"

namespace ns {

// Listens there; `found` is the address with the port that it got.
Result<FileDescriptor> ListenAt(const RelayAddress& address, RelayAddress* found);
// Begins to connect; the socket can be written to when it is decided (SO_ERROR). Resolving a name may take a while.
Result<FileDescriptor> ConnectTo(const RelayAddress& address);
// What a connection of a relay needs: small pieces go at once, and a machine that is gone is noticed. Nothing for Unix sockets.
void TuneConnection(int fd, int silence_seconds);

}  // namespace ns
