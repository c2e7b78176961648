#include "service/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace ns {

namespace {

using std::chrono::milliseconds;

}  // namespace

RateLimiter::Bucket& RateLimiter::Find(const std::string& key, SteadyTime now) {
  auto known = by_key_.find(key);
  if (known != by_key_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, known->second);
  } else {
    if (buckets_.size() >= options_.max_keys) {
      by_key_.erase(buckets_.back().key);
      buckets_.pop_back();
    }
    buckets_.push_front({key, options_.burst, now});
    by_key_[key] = buckets_.begin();
  }
  Bucket& bucket = buckets_.front();
  double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
  bucket.level = std::min(options_.burst, bucket.level + seconds * options_.per_second);
  bucket.at = now;
  return bucket;
}

milliseconds RateLimiter::Peek(const std::string& key, SteadyTime now) {
  if (options_.per_second <= 0) return milliseconds(0);
  double missing = 1 - Find(key, now).level;
  if (missing <= 1e-9) return milliseconds(0);
  return milliseconds(static_cast<int64_t>(std::ceil(1000 * missing / options_.per_second)));
}

milliseconds RateLimiter::Take(const std::string& key, SteadyTime now) {
  milliseconds wait = Peek(key, now);
  if (wait.count() == 0 && options_.per_second > 0) buckets_.front().level -= 1;
  return wait;
}

}  // namespace ns
