#include "executors/ip_network.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

namespace ns {

namespace {

// 4 or 16 bytes; empty: no address.
std::string Bytes(const std::string& address) {
  char bytes[16];
  if (::inet_pton(AF_INET, address.c_str(), bytes) == 1) return {bytes, 4};
  if (::inet_pton(AF_INET6, address.c_str(), bytes) == 1) return {bytes, 16};
  return "";
}

std::string TextOf(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address == nullptr) return "";
  if (address->sa_family == AF_INET) ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof(text));
  if (address->sa_family == AF_INET6) ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof(text));
  return text;
}

bool IsLocal(const ifaddrs& device) {
  if ((device.ifa_flags & IFF_LOOPBACK) != 0) return true;
  std::string bytes = Bytes(TextOf(device.ifa_addr));
  if (bytes.size() == 4) return bytes[0] == '\xa9' && bytes[1] == '\xfe';  // 169.254.0.0/16
  return bytes.size() == 16 && bytes[0] == '\xfe' && (bytes[1] & '\xc0') == '\x80';  // fe80::/10
}

}  // namespace

Result<IpNetwork> IpNetwork::Parse(std::string_view text) {
  size_t slash = text.find('/');
  IpNetwork network;
  network.bytes_ = Bytes(std::string(text.substr(0, slash)));
  network.bits_ = static_cast<int>(network.bytes_.size()) * 8;
  bool good = !network.bytes_.empty();
  if (good && slash != std::string_view::npos) {
    std::string_view number = text.substr(slash + 1);
    int most = std::exchange(network.bits_, -1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), network.bits_);
    good = error == std::errc() && end == number.data() + number.size() && network.bits_ >= 0 && network.bits_ <= most;
  }
  if (!good) return InvalidArgument(fmt::format("'{}' is no network: write 10.1.0.0/16, or an address", text), "BAD_NETWORK");
  return network;
}

bool IpNetwork::Contains(const std::string& address) const {
  std::string bytes = Bytes(address);
  if (bytes.size() != bytes_.size()) return false;
  size_t whole = static_cast<size_t>(bits_ / 8);
  if (bytes.compare(0, whole, bytes_, 0, whole) != 0) return false;
  int rest = bits_ % 8;
  return rest == 0 || ((bytes[whole] ^ bytes_[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

std::vector<std::string> MachineAddresses(const IpNetwork* network) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> holder(list, &::freeifaddrs);
  std::vector<std::string> v4, v6;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    std::string text = TextOf(at->ifa_addr);
    if (text.empty() || (at->ifa_flags & IFF_UP) == 0) continue;
    if (network != nullptr ? !network->Contains(text) : IsLocal(*at)) continue;
    (text.find(':') == std::string::npos ? v4 : v6).push_back(text);
  }
  return v4.empty() ? v6 : v4;
}

Result<std::vector<std::string>> ReachableAddresses(const std::string& network) {
  std::optional<IpNetwork> wanted;
  if (!network.empty()) {
    NS_ASSIGN_OR_RETURN(wanted, IpNetwork::Parse(network));
  }
  std::vector<std::string> addresses = MachineAddresses(wanted ? &*wanted : nullptr);
  if (!addresses.empty()) return addresses;
  if (wanted) return FailedPrecondition(fmt::format("this machine has no address of the network {}", network), "NO_ADDRESS");
  return std::vector<std::string>{"127.0.0.1"};
}

}  // namespace ns
