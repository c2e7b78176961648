#include "quantize/block_weight.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/target_clones.h"

namespace ns {

namespace {

constexpr size_t kLanes = 16;                // divides every block
constexpr float kRounder = 12582912.0f;      // 1.5 * 2^23: a float there has no bits below the point

// The integers' step relative to the one with which nothing is clipped.
constexpr std::array kSymmetricSteps = {1.0f, 0.95f, 0.9f, 0.85f, 0.8f, 8.0f / 7.0f};
constexpr std::array kAsymmetricSteps = {1.0f, 0.95f, 0.9f, 0.85f, 0.8f};

// Integers without their zero point, from `low` to `low` + 15.
struct Grid {
  float inverse = 0;  // of the step
  float low = -8;
};

inline float RoundOn(const Grid& grid, float x) {
  float scaled = x * grid.inverse;
  float clamped = scaled < grid.low ? grid.low : scaled > grid.low + 15 ? grid.low + 15 : scaled;
  return (clamped + kRounder) - kRounder;
}

struct Fit {
  float scale = 0;    // of least squares
  float explained = 0;  // of the sum of squares: the more, the smaller the error
};

// With x ~ s u the error is |x|^2 - (x.u)^2 / |u|^2 at s = x.u / |u|^2.
NS_TARGET_CLONES Fit FitBlock(const float* x, size_t count, const Grid& grid) {
  std::array<float, kLanes> products{}, squares{};
  for (size_t i = 0; i < count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      float u = RoundOn(grid, x[i + lane]);
      products[lane] += x[i + lane] * u;
      squares[lane] += u * u;
    }
  }
  float product = 0, square = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    product += products[lane];
    square += squares[lane];
  }
  return square > 0 ? Fit{product / square, product / square * product} : Fit{};
}

struct Block {
  Grid grid;
  float scale = 0;  // 0: all values are 0
  uint8_t zero_point = 8;
};

void Try(const float* x, size_t count, float step, float low, Block* best, float* explained) {
  if (!(std::fabs(step) >= 1e-30f)) return;  // nearly nothing: zeros
  Grid grid{1 / step, low};
  Fit fit = FitBlock(x, count, grid);
  if (fit.explained <= *explained) return;
  *explained = fit.explained;
  *best = {grid, fit.scale, static_cast<uint8_t>(-low)};
}

Block ChooseSymmetric(const float* x, size_t count, float low, float high) {
  Block best;
  float explained = 0, largest = -low > high ? low : high;
  for (float step : kSymmetricSteps) Try(x, count, step * largest / -8, -8, &best, &explained);
  return best;
}

Block ChooseAsymmetric(const float* x, size_t count, float low, float high) {
  Block best;
  float explained = 0;
  low = std::min(low, 0.0f), high = std::max(high, 0.0f);
  for (float part : kAsymmetricSteps) {
    float step = part * (high - low) / 15;
    if (step > 0) Try(x, count, step, std::clamp(std::nearbyint(part * low / step), -15.0f, 0.0f), &best, &explained);
  }
  return best;
}

class Writer {
 public:
  Writer(const TensorView& weight, const BlockOptions& options)
      : in_(weight.values<float>().data()),
        rows_(static_cast<size_t>(weight.shape[0])),
        columns_(static_cast<size_t>(weight.shape[1])),
        block_(static_cast<size_t>(options.block)),
        blocks_((columns_ + block_ - 1) / block_),
        own_zeros_(options.zero_points) {}

  Result<BlockWeight> Run() {
    auto n = static_cast<int64_t>(rows_), blocks = static_cast<int64_t>(blocks_);
    result_.values = Tensor(DType::kUint8, {n, blocks, static_cast<int64_t>(block_ / 2)});
    result_.scales = Tensor(DType::kFloat, {n, blocks});
    result_.zero_points = Tensor(DType::kUint8, {own_zeros_ ? n : 0, (blocks + 1) / 2});
    auto zeros = result_.zero_points.mutable_values<uint8_t>();
    std::fill(zeros.begin(), zeros.end(), uint8_t{0x88});
    std::vector<float> padded(block_);
    for (size_t row = 0; row < rows_; ++row) {
      for (size_t block = 0; block < blocks_; ++block) {
        size_t begin = block * block_, count = std::min(block_, columns_ - begin);
        std::copy_n(in_ + row * columns_ + begin, count, padded.begin());
        std::fill(padded.begin() + static_cast<std::ptrdiff_t>(count), padded.end(), 0.0f);
        NS_RETURN_IF_ERROR(Write(row, block, padded));
      }
    }
    return std::move(result_);
  }

 private:
  Status Write(size_t row, size_t block, const std::vector<float>& x) {
    float low = 0, high = 0;
    bool finite = true;
    for (float value : x) {
      finite = finite && std::isfinite(value);
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (!finite) return InvalidArgument("the weight holds NaN or infinity", "NON_FINITE_WEIGHT");
    Block chosen = own_zeros_ ? ChooseAsymmetric(x.data(), block_, low, high) : ChooseSymmetric(x.data(), block_, low, high);
    size_t at = row * blocks_ + block;
    result_.scales.mutable_values<float>()[at] = chosen.scale;
    uint8_t* out = result_.values.mutable_values<uint8_t>().data() + at * block_ / 2;
    auto integer = [&](float value) { return static_cast<uint8_t>(RoundOn(chosen.grid, value) + static_cast<float>(chosen.zero_point)); };
    for (size_t i = 0; i < block_; i += 2) out[i / 2] = static_cast<uint8_t>(integer(x[i]) | integer(x[i + 1]) << 4);
    if (!own_zeros_) return OkStatus();
    uint8_t& pair = result_.zero_points.mutable_values<uint8_t>()[row * ((blocks_ + 1) / 2) + block / 2];
    pair = block % 2 == 0 ? static_cast<uint8_t>((pair & 0xf0) | chosen.zero_point) : static_cast<uint8_t>((pair & 0x0f) | chosen.zero_point << 4);
    return OkStatus();
  }

  const float* in_;
  size_t rows_, columns_, block_, blocks_;
  bool own_zeros_;
  BlockWeight result_;
};

}  // namespace

Result<BlockWeight> QuantizeBlocks(const TensorView& weight, const BlockOptions& options) { return Writer(weight, options).Run(); }

}  // namespace ns
