// A reader of Python's pickles that knows only what a file of tensors needs. It makes values, and calls nothing: a
// pickle that names anything else than the few constructors of tensors is refused by that name.
//
// The instructions: CPython's Lib/pickletools.py. Read are those of protocols 2 to 5 that PyTorch's torch.save writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,        // `integer`: 0 or 1
    kInt,         // `integer`
    kFloat,       // `real`
    kString,      // `text`; bytes too
    kTuple,       // `items`
    kList,        // `items`
    kDict,        // `items`: key, value, key, value, ...; OrderedDict too
    kGlobal,      // `text`: "torch FloatStorage", module and name
    kPersistent,  // `items`: the one value that the file's writer identifies an outside object by
    kTensor,      // `items`: the arguments of torch._utils._rebuild_tensor_v2
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double real = 0;
  std::string_view text;
  std::vector<PickleValue*> items;
};

class Pickle {
 public:
  // Reads one pickle from the start of `bytes`, which must outlive the result: texts point into it. Values may contain
  // themselves (a list that was appended to itself), so who walks them must stop somewhere.
  // InvalidArgument: UNSAFE_PICKLE (it names a global that no tensor needs; the message has the name), BAD_WEIGHTS (an
  // instruction that is not read, cut off, or without the values on the stack that it takes; over a million values).
  static Result<Pickle> Read(std::span<const std::byte> bytes);

  const PickleValue& root() const { return *root_; }
  // Bytes that it took.
  size_t size() const { return size_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;  // all there are; their addresses stay
  PickleValue* root_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ns
