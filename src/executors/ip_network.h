// The addresses by which other machines reach this one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// "10.1.0.0/16", "fd00::/8": the addresses that begin with the same bits.
class IpNetwork {
 public:
  // InvalidArgument (BAD_NETWORK).
  static Result<IpNetwork> Parse(std::string_view text);
  // False also for what is no address.
  bool Contains(const std::string& address) const;

 private:
  std::string bytes_;  // 4 or 16
  int bits_ = 0;
};

// The addresses of the devices that are up, as text, in the system's order: those of the network, or where that is null all that other machines
// may reach, IPv4 alone where there is any (without loopback and link-local ones).
std::vector<std::string> MachineAddresses(const IpNetwork* network);

// The same where the network is text, "" for null; of a machine that others do not reach at all its own address alone, since it may be a whole cluster.
// InvalidArgument (BAD_NETWORK); FailedPrecondition (NO_ADDRESS) when the machine has none of the network.
Result<std::vector<std::string>> ReachableAddresses(const std::string& network);

}  // namespace ns
