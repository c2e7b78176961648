#include "base/tensor.h"

#include <gtest/gtest.h>

#include <new>

namespace ns {
namespace {

TEST(TensorTest, HoldsWhatItWasMadeFromAndSharesOnCopy) {
  Tensor a = Tensor::From<float>({2, 2}, {1, 2, 3, 4});
  Tensor b = a;
  EXPECT_EQ(b.data(), a.data());
  EXPECT_EQ(b.byte_size(), 16u);
  EXPECT_EQ(b.values<float>()[3], 4.0f);
  EXPECT_EQ(a.Reshaped({4}).shape(), Shape({4}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0u);
}

TEST(TensorTest, AScalarHasOneElementAndAnEmptyShapeNone) {
  EXPECT_EQ(ElementCount(Shape{}), 1);
  EXPECT_EQ(ElementCount(Shape{3, 0, 2}), 0);
  EXPECT_EQ(Tensor(DType::kInt8, {0}).byte_size(), 0u);
  EXPECT_EQ(ShapeToString(Shape{-1, 3}), "[?,3]");
}

TEST(TensorTest, AShapeThatNoMemoryHoldsThrowsAsMemoryThatIsShort) {
  EXPECT_THROW(Tensor(DType::kFloat, {int64_t{1} << 40, int64_t{1} << 40}), std::bad_alloc);
  EXPECT_THROW(Tensor(DType::kDouble, {int64_t{1} << 62}), std::bad_alloc) << "the count fits, the bytes do not";
  EXPECT_EQ(Tensor(DType::kFloat, {int64_t{1} << 40, 0}).byte_size(), 0u);
}

TEST(TensorDeathTest, ReadingAsAnotherTypeAborts) {
  Tensor a = Tensor::From<float>({1}, {1});
  EXPECT_DEATH((void)a.values<int8_t>(), "tensor of float32 read as int8");
}

}  // namespace
}  // namespace ns
