// How often a property is tried: sanitizers make each try ten times as slow, and look for other mistakes than the numbers do.
#pragma once

#include <cstdint>

namespace ns {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr uint64_t kRoundsDivisor = 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr uint64_t kRoundsDivisor = 20;
#else
inline constexpr uint64_t kRoundsDivisor = 1;
#endif
#else
inline constexpr uint64_t kRoundsDivisor = 1;
#endif

// `rounds`, fewer under a sanitizer.
constexpr uint64_t Rounds(uint64_t rounds) { return rounds / kRoundsDivisor; }

}  // namespace ns
