// Token buckets by key: each key may do `burst` things at once and `per_second` on the long run. Pure: time is given.
#pragma once

#include <list>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace ns {

// Thread-compatible. Holds at most `max_keys` buckets; beyond, the one that was asked about longest ago is forgotten (and so full again).
class RateLimiter {
 public:
  struct Options {
    double per_second = 0;  // 0: no limit
    double burst = 1;       // >= 1
    size_t max_keys = 10'000;
  };
  explicit RateLimiter(const Options& options) : options_(options) {}

  // Takes one from the key's bucket: zero. From an empty one nothing is taken: the time until it holds one again.
  std::chrono::milliseconds Take(const std::string& key, SteadyTime now);
  // The same answer without taking.
  std::chrono::milliseconds Peek(const std::string& key, SteadyTime now);

 private:
  struct Bucket {
    std::string key;
    double level = 0;
    SteadyTime at;
  };
  Bucket& Find(const std::string& key, SteadyTime now);

  const Options options_;
  std::list<Bucket> buckets_;  // the newest first
  std::unordered_map<std::string, std::list<Bucket>::iterator> by_key_;
};

}  // namespace ns
