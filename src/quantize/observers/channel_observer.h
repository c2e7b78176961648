// Statistics of each channel of one float32 tensor.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// Where the channels of a value lie for the product that reads it.
enum class ChannelAxis {
  kSecond,  // of a convolution's input: [N, C, ...]
  kLast,    // of a MatMul's or Gemm's: [..., C]
};

// Smallest and largest value and the mean of each channel. Sums are kept in whole multiples of 2^-32, so that any split of the rows over
// observers gives the same mean.
// Thread-compatible: Observe() needs exclusive access.
class ChannelObserver {
 public:
  explicit ChannelObserver(ChannelAxis axis) : axis_(axis) {}

  // Adds a batch of finite values. InvalidArgument (CHANNEL_COUNT_CHANGED), the statistics as before, when it has another number of channels
  // than the ones before, or fewer than two axes for kSecond, one for kLast.
  Status Observe(const TensorView& values);
  // Adds what another observer of the same tensor saw of other batches.
  void Merge(const ChannelObserver& other);

  // As many as the tensor has channels; empty before the first value.
  const std::vector<float>& min() const { return min_; }
  const std::vector<float>& max() const { return max_; }
  std::vector<double> mean() const;

 private:
  friend struct ObserverCodec;  // statistics_codec.cc
  void AddSums(const std::vector<double>& sums);

  ChannelAxis axis_;
  int64_t count_ = 0;  // of values in each channel
  std::vector<float> min_, max_;
  std::vector<__int128> sum_;  // in units of 2^-32
};

}  // namespace ns
