#include "huggingface/weights/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"
#include "huggingface/testing/weight_files.h"
#include "huggingface/weights/pickle.h"

namespace ns {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PickledGlobal;
using testing::PickledInt;
using testing::PickledInts;
using testing::PickledStateDict;
using testing::PickledStorage;
using testing::PickledText;
using testing::PickledTuple;
using testing::PickleOf;
using testing::TorchArchive;

std::string TensorOf(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                     const std::vector<int64_t>& strides) {
  return testing::PickledTensor(storage, offset, shape, strides);
}

std::vector<float> Floats(const StoredTensor& stored) {
  Tensor tensor = ReadTensor(stored).value();
  std::vector<float> values(static_cast<size_t>(tensor.count()));
  std::memcpy(values.data(), tensor.data(), values.size() * sizeof(float));  // at any address
  return values;
}

Status PickleStatus(const std::string& pickle) {
  return ReadTensorPickle(std::as_bytes(std::span<const char>(pickle))).status();
}

class TorchFileTest : public ::testing::Test {
 protected:
  Result<StoredTensors> Read(const std::string& file) {
    return ReadTorchFile(folder_.Write("pytorch_model.bin", file));
  }
  testing::Folder folder_;
};

TEST_F(TorchFileTest, ReadsTensorsByOffsetAndStridesAndKeepsTiedOnesTied) {
  std::string storage = PickledStorage("FloatStorage", "0", 6);
  std::string pickle = PickleOf(PickledStateDict({{"whole", TensorOf(storage, 0, {2, 3}, {3, 1})},
                                                  {"turned", TensorOf(storage, 0, {3, 2}, {1, 3})},
                                                  {"part", TensorOf(storage, 4, {2}, {1})},
                                                  {"same", TensorOf(storage, 0, {2, 3}, {3, 1})},
                                                  {"step", PickledInt(3)}}));
  auto tensors = Read(TorchArchive(pickle, {{"0", Bytes<float>({0, 1, 2, 3, 4, 5})}}));
  ASSERT_TRUE(tensors.ok()) << tensors.status().message();
  ASSERT_EQ(tensors->size(), 4u);
  EXPECT_THAT(Floats(tensors->at("whole")), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(Floats(tensors->at("turned")), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(Floats(tensors->at("part")), ElementsAre(4, 5));
  EXPECT_EQ(tensors->at("same").data, tensors->at("whole").data);
}

TEST_F(TorchFileTest, ReadsTheFormBeforePyTorch16) {
  std::string pickle =
      PickleOf(PickledStateDict({{"b", TensorOf(PickledStorage("HalfStorage", "94001", 2), 0, {2}, {1})},
                                 {"a", TensorOf(PickledStorage("HalfStorage", "17", 1), 0, {1, 1}, {1, 1})}}));
  auto tensors = Read(testing::OldTorchFile(
      pickle, {{"94001", Bytes<uint16_t>({0x3C00, 0x4000})}, {"17", Bytes<uint16_t>({0xBC00})}}, 2));
  ASSERT_TRUE(tensors.ok()) << tensors.status().message();
  EXPECT_THAT(Floats(tensors->at("b")), ElementsAre(1, 2));
  EXPECT_THAT(Floats(tensors->at("a")), ElementsAre(-1));
  std::string cut = testing::OldTorchFile(pickle, {{"94001", Bytes<uint16_t>({0x3C00, 0x4000})}, {"17", ""}}, 2);
  EXPECT_THAT(Read(cut.substr(0, cut.size() - 9)).status().message(), HasSubstr("cut off"));
}

TEST_F(TorchFileTest, WhatWouldRunCodeIsRefusedByName) {
  std::string call = PickledGlobal("posix", "system") + PickledTuple({PickledText("touch /tmp/owned")}) + "R";
  EXPECT_EQ(PickleStatus(PickleOf(call)).reason(), "UNSAFE_PICKLE");
  EXPECT_THAT(PickleStatus(PickleOf(call)).message(),
              HasSubstr("it names 'posix.system', which no tensor needs: refused, nothing was run"));
  Status status = Read(TorchArchive(PickleOf(call), {})).status();
  EXPECT_EQ(status.reason(), "UNSAFE_PICKLE");
  EXPECT_THAT(status.message(), HasSubstr("pytorch_model.bin"));
  // As protocol 4 spells it, and a function of torch that is no tensor's.
  EXPECT_EQ(PickleStatus(PickleOf(PickledText("builtins") + PickledText("eval") + "\x93")).reason(), "UNSAFE_PICKLE");
  EXPECT_EQ(PickleStatus(PickleOf(PickledGlobal("torch", "load"))).reason(), "UNSAFE_PICKLE");
  // INST, OBJ, NEWOBJ, EXT1: other ways to make objects.
  for (const char* code : {"i", "o", "\x81", "\x82"}) {
    EXPECT_THAT(PickleStatus(PickleOf(code)).message(), HasSubstr("is not one that tensors need")) << code;
  }
}

TEST_F(TorchFileTest, TensorsThatReachBeyondTheirStorageAreRefused) {
  auto refused = [](const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                    const std::vector<int64_t>& strides) {
    Status status = PickleStatus(PickleOf(PickledStateDict({{"w", TensorOf(storage, offset, shape, strides)}})));
    EXPECT_EQ(status.reason(), "BAD_WEIGHTS");
    EXPECT_THAT(status.message(), HasSubstr("tensor 'w'"));
    return status.message();
  };
  constexpr int64_t kHuge = int64_t{1} << 62;
  std::string six = PickledStorage("FloatStorage", "0", 6);
  EXPECT_THAT(refused(six, 1, {2, 3}, {3, 1}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refused(six, 0, {2}, {6}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refused(six, 0, {3}, {kHuge}), HasSubstr("beyond its storage"));
  EXPECT_THAT(refused(six, 7, {0}, {1}), HasSubstr("outside its storage"));
  EXPECT_THAT(refused(six, 0, {kHuge, kHuge}, {0, 0}), HasSubstr("outside its storage"));
  EXPECT_THAT(refused(six, 0, {kHuge}, {0}), HasSubstr("larger than its storage"));
  EXPECT_THAT(refused(six, -1, {1}, {1}), HasSubstr("outside its storage"));
  EXPECT_THAT(refused(six, 0, {-1}, {1}), HasSubstr("a size or stride"));
  EXPECT_THAT(refused(six, 0, {1}, {-1}), HasSubstr("a size or stride"));
  EXPECT_THAT(refused(six, 0, {1, 1}, {1}), HasSubstr("not as many strides"));
  EXPECT_THAT(refused(PickledStorage("FloatStorage", "0", -1), 0, {0}, {1}), HasSubstr("outside its storage"));
  EXPECT_THAT(refused(PickledStorage("FloatStorage", "0", kHuge), 0, {kHuge}, {1, 2}),
              HasSubstr("not as many strides"));
  EXPECT_TRUE(PickleStatus(PickleOf(PickledStateDict({{"w", TensorOf(six, 6, {0, 5}, {5, 1})}}))).ok());
  EXPECT_TRUE(PickleStatus(PickleOf(PickledStateDict({{"w", TensorOf(six, 5, {3}, {0})}}))).ok());
}

TEST_F(TorchFileTest, StoragesThatAreShortOrMissingAreRefused) {
  std::string pickle =
      PickleOf(PickledStateDict({{"w", TensorOf(PickledStorage("FloatStorage", "0", 2), 0, {2}, {1})}}));
  EXPECT_THAT(Read(TorchArchive(pickle, {{"0", "1234567"}})).status().message(),
              HasSubstr("has 7 bytes, 2 elements of float32"));
  EXPECT_THAT(Read(TorchArchive(pickle, {{"1", "12345678"}})).status().message(),
              HasSubstr("storage '0' is not in the file"));
  EXPECT_THAT(Read(testing::Zip({{"a/data.pkl", pickle}, {"a/data/0", std::string(8, 'x'), true}})).status().message(),
              HasSubstr("compressed"));
  EXPECT_THAT(Read(testing::Zip({{"a/data.pkl", pickle}, {"a/byteorder", "big"}})).status().message(),
              HasSubstr("big-endian"));
  EXPECT_THAT(Read(testing::Zip({{"a/x", "y"}})).status().message(), HasSubstr("without 'data.pkl'"));
  std::string damaged = TorchArchive(pickle, {{"0", "12345678"}});
  damaged[damaged.find("12345678")] = '2';
  EXPECT_THAT(Read(damaged).status().message(), HasSubstr("checksum"));
  EXPECT_THAT(Read("version https://git-lfs.github.com/spec/v1\n").status().message(), HasSubstr("git lfs pull"));
  EXPECT_EQ(Read("").status().reason(), "BAD_FILE");
}

TEST_F(TorchFileTest, ProgramsWithoutSenseAreRefused) {
  for (const std::string& pickle :
       {std::string(), std::string("."), std::string("\x80\x02"), std::string("t."), std::string("h\x01."),
        std::string("(Q."), std::string("}(K\x01u."), std::string("K\x01)R."), std::string("\x80\x09N."),
        std::string("]K\x01s."), std::string("K\x01}b."), std::string("X\xff\xff\xff\xff."),
        std::string("\x8a\x09"
                    "123456789."),
        std::string("(K\x01\x85R."), std::string("N."), std::string("cx")}) {
    EXPECT_EQ(PickleStatus(pickle).reason(), "BAD_WEIGHTS") << ::testing::PrintToString(pickle);
  }
  EXPECT_THAT(PickleStatus(std::string(2'000'000, ')')).message(), HasSubstr("over 1000000 values"));
}

TEST(PickleTest, NumbersAndTextsAreWhatPythonWrites) {
  // pickle.dumps((-1, 255, 65535, 2**40, -2**40, 1.5, None, True, 'é'), protocol=2), by pickletools.
  std::string text = std::string(
      "\x80\x02(J\xff\xff\xff\xffK\xffM\xff\xff\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x06\x00\x00\x00\x00\x00\xffG?\xf8"
      "\x00\x00\x00\x00\x00\x00N\x88X\x02\x00\x00\x00\xc3\xa9q\x00tq\x01.",
      53);
  auto pickle = Pickle::Read(std::as_bytes(std::span<const char>(text)));
  ASSERT_TRUE(pickle.ok()) << pickle.status().message();
  const auto& items = pickle->root().items;
  ASSERT_EQ(items.size(), 9u);
  EXPECT_EQ(items[0]->integer, -1);
  EXPECT_EQ(items[1]->integer, 255);
  EXPECT_EQ(items[2]->integer, 65535);
  EXPECT_EQ(items[3]->integer, int64_t{1} << 40);
  EXPECT_EQ(items[4]->integer, -(int64_t{1} << 40));
  EXPECT_EQ(items[5]->real, 1.5);
  EXPECT_EQ(items[6]->kind, PickleValue::Kind::kNone);
  EXPECT_EQ(items[7]->kind, PickleValue::Kind::kBool);
  EXPECT_EQ(items[8]->text, "é");
  EXPECT_EQ(pickle->size(), text.size());
}

TEST(PickleTest, AListThatHoldsItselfIsNoTrouble) {
  std::string text =
      "]q\x01h\x01"
      "a.";
  auto pickle = Pickle::Read(std::as_bytes(std::span<const char>(text)));
  ASSERT_TRUE(pickle.ok()) << pickle.status().message();
  EXPECT_EQ(pickle->root().items[0], &pickle->root());
}

}  // namespace
}  // namespace ns
