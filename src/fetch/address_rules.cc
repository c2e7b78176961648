#include "fetch/address_rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace ns {

namespace {

using Bytes = std::array<unsigned char, 16>;

constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Bytes Mapped(const void* ipv4) {
  Bytes bytes;
  std::copy(kMapped.begin(), kMapped.end(), bytes.begin());
  std::memcpy(bytes.data() + 12, ipv4, 4);
  return bytes;
}

bool IsMapped(const Bytes& address) { return std::equal(kMapped.begin(), kMapped.end(), address.begin()); }

bool Contains(const CidrBlock& block, const Bytes& address) {
  int whole = block.prefix / 8, rest = block.prefix % 8;
  if (!std::equal(address.begin(), address.begin() + whole, block.address.begin())) return false;
  if (rest == 0) return true;
  auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return (address[static_cast<size_t>(whole)] & mask) == (block.address[static_cast<size_t>(whole)] & mask);
}

std::optional<Bytes> ParseBytes(const std::string& text) {
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return Mapped(&four);
  Bytes bytes;
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

std::vector<CidrBlock> Blocks(std::initializer_list<const char*> texts) {
  std::vector<CidrBlock> blocks;
  for (const char* text : texts) blocks.push_back(ParseCidrBlock(text).value());
  return blocks;
}

bool InAny(const std::vector<CidrBlock>& blocks, const Bytes& address) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const CidrBlock& block) { return Contains(block, address); });
}

// IANA's special-purpose registries: what is not globally reachable unicast.
bool IsPublic(const Bytes& address) {
  static const std::vector<CidrBlock> special4 =
      Blocks({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
              "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"});
  static const std::vector<CidrBlock> global6 = Blocks({"2000::/3"});
  static const std::vector<CidrBlock> special6 = Blocks({"2001::/23", "2001:db8::/32", "3fff::/20"});
  if (IsMapped(address)) return !InAny(special4, address);
  return InAny(global6, address) && !InAny(special6, address);
}

// The IPv4 address that a 6to4 or NAT64 address leads to.
std::optional<Bytes> Embedded(const Bytes& address) {
  static const CidrBlock six_to_four = ParseCidrBlock("2002::/16").value(), nat64 = ParseCidrBlock("64:ff9b::/96").value();
  if (Contains(six_to_four, address)) return Mapped(address.data() + 2);
  if (Contains(nat64, address)) return Mapped(address.data() + 12);
  return std::nullopt;
}

bool IsAllowedBytes(const AddressRules& rules, const Bytes& address) {
  if (rules.allow_private || InAny(rules.allowed, address)) return true;
  if (auto inside = Embedded(address)) return InAny(rules.allowed, *inside) || IsPublic(*inside);
  return IsPublic(address);
}

}  // namespace

Result<CidrBlock> ParseCidrBlock(std::string_view text) {
  auto bad = [&] {
    return InvalidArgument(fmt::format("\"{}\" is no address block; write one as \"10.0.0.0/8\", \"fd00::/8\" or \"127.0.0.1\"", text),
                           "BAD_ADDRESS_BLOCK");
  };
  size_t slash = text.find('/');
  auto address = ParseBytes(std::string(text.substr(0, slash)));
  if (!address) return bad();
  int most = IsMapped(*address) && text.find(':') == std::string_view::npos ? 32 : 128;
  CidrBlock block{*address, most};
  if (slash != std::string_view::npos) {
    std::string_view number = text.substr(slash + 1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), block.prefix);
    if (error != std::errc() || end != number.data() + number.size() || block.prefix < 0 || block.prefix > most) return bad();
  }
  block.prefix += 128 - most;
  return block;
}

Result<std::vector<CidrBlock>> ParseCidrBlocks(std::string_view text) {
  std::vector<CidrBlock> blocks;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    NS_ASSIGN_OR_RETURN(CidrBlock block, ParseCidrBlock(one));
    blocks.push_back(block);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return blocks;
}

std::string CidrBlocksText(const std::vector<CidrBlock>& blocks) {
  std::string all;
  for (const CidrBlock& block : blocks) {
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET6, block.address.data(), text, sizeof text);
    all += fmt::format("{}{}/{}", all.empty() ? "" : ",", text, block.prefix);
  }
  return all;
}

bool IsAllowed(const AddressRules& rules, const sockaddr* address) {
  Bytes bytes;
  if (address->sa_family == AF_INET) {
    bytes = Mapped(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  } else {
    return false;
  }
  return IsAllowedBytes(rules, bytes);
}

bool IsAllowedLiteral(const AddressRules& rules, std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  host = host.substr(0, host.find('%'));  // a zone
  auto bytes = ParseBytes(std::string(host));
  return !bytes || IsAllowedBytes(rules, *bytes);
}

std::string AddressText(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace ns
