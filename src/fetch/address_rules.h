// Which network addresses may be connected to on behalf of a user's request.
//
// Judged is the address of the socket, not the name in the request: a name that resolves to something private, changes its mind between two
// look-ups, or a redirect, gets no further than a literal address.
#pragma once

#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// An IPv4 or IPv6 block; IPv4 is kept as its IPv4-mapped form (::ffff:a.b.c.d, prefix + 96).
struct CidrBlock {
  std::array<unsigned char, 16> address{};
  int prefix = 128;  // leading bits that count
};

// "10.0.0.0/8", "fd00::/8", or a single address. InvalidArgument (BAD_ADDRESS_BLOCK).
Result<CidrBlock> ParseCidrBlock(std::string_view text);

struct AddressRules {
  bool allow_private = false;      // no address is refused
  std::vector<CidrBlock> allowed;  // in addition to the public ones
};

// Blocks with commas between them.
Result<std::vector<CidrBlock>> ParseCidrBlocks(std::string_view text);

// The way back, for command lines.
std::string CidrBlocksText(const std::vector<CidrBlock>& blocks);

// Public unicast addresses are allowed, others (private, loopback, link-local, shared, multicast, documentation, reserved) only by `rules`.
// An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is judged by what is inside. `address`: AF_INET or AF_INET6; others are refused.
bool IsAllowed(const AddressRules& rules, const sockaddr* address);

// The same for the text of an address ("127.0.0.1", "::1", "[::1]"); text that is no address is allowed here: it is judged when connected.
bool IsAllowedLiteral(const AddressRules& rules, std::string_view host);

// "127.0.0.1", for messages.
std::string AddressText(const sockaddr* address);

}  // namespace ns
