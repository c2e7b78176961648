#include "huggingface/weights/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <unordered_map>

#include "data/names.h"

namespace ns {

namespace {

using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

constexpr size_t kMaxValues = 1'000'000;

// All that a file of tensors names. Storages are only told apart, the others are made by Call().
constexpr std::array<std::string_view, 13> kGlobals = {"collections OrderedDict",
                                                       "torch._utils _rebuild_tensor_v2",
                                                       "torch._utils _rebuild_parameter",
                                                       "torch FloatStorage",
                                                       "torch HalfStorage",
                                                       "torch BFloat16Storage",
                                                       "torch DoubleStorage",
                                                       "torch LongStorage",
                                                       "torch IntStorage",
                                                       "torch ShortStorage",
                                                       "torch CharStorage",
                                                       "torch ByteStorage",
                                                       "torch BoolStorage"};
constexpr size_t kMaxArguments = 8;

Status Bad(std::string message) {
  return InvalidArgument(std::move(message), "BAD_WEIGHTS");
}

}  // namespace

// The stack machine that a pickle is a program of.
class PickleMachine {
 public:
  explicit PickleMachine(Bytes bytes) : bytes_(bytes) {}

  Result<Pickle> Run() {
    while (status_.ok() && pickle_.root_ == nullptr) {
      if (pickle_.values_.size() > kMaxValues) return Bad(fmt::format("its pickle makes over {} values", kMaxValues));
      size_t at = at_;
      Step(static_cast<uint8_t>(Number(1)));
      if (!status_.ok()) return status_.WithContext(fmt::format("byte {} of its pickle", at));
    }
    pickle_.size_ = at_;
    return std::move(pickle_);
  }

 private:
  void Fail(std::string message) {
    if (status_.ok()) status_ = Bad(std::move(message));
  }

  // ---- the program's bytes ----
  std::string_view Take(uint64_t size) {
    if (size > bytes_.size() - at_) {
      Fail("it is cut off");
      return {};
    }
    std::string_view taken(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += size;
    return taken;
  }
  // Little-endian.
  uint64_t Number(size_t size) {
    uint64_t value = 0;
    std::string_view taken = Take(size);
    for (size_t i = taken.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(taken[i]);
    return value;
  }
  std::string_view Line() {
    std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      Fail("it is cut off");
      return {};
    }
    at_ += end + 1;
    return rest.substr(0, end);
  }

  // ---- the stack ----
  PickleValue* Make(Kind kind) {
    PickleValue& made = pickle_.values_.emplace_back();
    made.kind = kind;
    return &made;
  }
  void Push(PickleValue* value) { stack_.push_back(value); }
  void PushNew(Kind kind) { Push(Make(kind)); }
  void PushInt(int64_t value, Kind kind = Kind::kInt) {
    PushNew(kind);
    stack_.back()->integer = value;
  }
  void PushText(std::string_view text) {
    PushNew(Kind::kString);
    stack_.back()->text = text;
  }
  // The value on top; null, and a failure, where there is none above the last mark.
  PickleValue* Top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      Fail("there is no value for the instruction");
      return nullptr;
    }
    return stack_.back();
  }
  PickleValue* Pop() {
    PickleValue* top = Top();
    if (top != nullptr) stack_.pop_back();
    return top;
  }
  // What was pushed since the last mark, which goes.
  std::vector<PickleValue*> PopMark() {
    if (marks_.empty()) {
      Fail("there is no mark for the instruction");
      return {};
    }
    std::vector<PickleValue*> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  std::vector<PickleValue*> PopSome(size_t count) {
    std::vector<PickleValue*> items(count);
    for (size_t i = count; i-- > 0;) items[i] = Pop();
    return items;
  }
  void PushItems(Kind kind, std::vector<PickleValue*> items) {
    if (!status_.ok()) return;
    PushNew(kind);
    stack_.back()->items = std::move(items);
  }
  void AddItems(Kind kind, const std::vector<PickleValue*>& items) {
    PickleValue* to = Top();
    if (!status_.ok()) return;
    if (to->kind != kind || (kind == Kind::kDict && items.size() % 2 != 0))
      return Fail("it adds to what is no container");
    to->items.insert(to->items.end(), items.begin(), items.end());
  }

  // ---- the memo ----
  void Remember(uint64_t index) {
    if (memo_.size() > kMaxValues) return Fail("it remembers too much");
    if (PickleValue* top = Top()) memo_[index] = top;
  }
  void Recall(uint64_t index) {
    auto found = memo_.find(index);
    if (found == memo_.end()) return Fail("it recalls what it did not remember");
    Push(found->second);
  }

  // ---- what would run code in Python ----
  void Global(std::string_view module, std::string_view name) {
    std::string full = fmt::format("{} {}", module, name);
    auto known = std::find(kGlobals.begin(), kGlobals.end(), full);
    if (known == kGlobals.end()) {
      if (!status_.ok()) return;
      status_ = InvalidArgument(fmt::format("it names '{}.{}', which no tensor needs: refused, nothing was run",
                                            Excerpt(module, 80), Excerpt(name, 80)),
                                "UNSAFE_PICKLE");
      return;
    }
    PushNew(Kind::kGlobal);
    stack_.back()->text = *known;
  }
  void StackGlobal() {
    PickleValue* name = Pop();
    PickleValue* module = Pop();
    if (module == nullptr) return;
    if (name->kind != Kind::kString || module->kind != Kind::kString)
      return Fail("it names a global by what is no text");
    Global(module->text, name->text);
  }
  void Call() {
    PickleValue* arguments = Pop();
    PickleValue* function = Pop();
    if (function == nullptr) return;
    if (function->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) return Fail("it calls what is no function");
    const auto& given = arguments->items;
    if (function->text == "collections OrderedDict" && given.empty()) return PushNew(Kind::kDict);
    if (function->text == "torch._utils _rebuild_tensor_v2" && given.size() >= 4 && given.size() <= kMaxArguments) {
      return PushItems(Kind::kTensor, given);
    }
    bool parameter = function->text == "torch._utils _rebuild_parameter";
    if (parameter && !given.empty() && given[0]->kind == Kind::kTensor) return Push(given[0]);
    Fail(fmt::format("it calls '{}' with arguments that it doesn't have", function->text));
  }
  // __setstate__ of a dict that torch gave attributes (`_metadata`): nothing of a tensor is in it.
  void Build() {
    Pop();
    PickleValue* top = Top();
    if (top != nullptr && top->kind != Kind::kDict) Fail("it sets the state of what is no dict");
  }

  void LongInt(uint64_t size) {
    if (size > 8) return Fail("it holds a number of over 64 bits");
    uint64_t value = Number(size);
    if (size > 0 && size < 8 && (value >> (size * 8 - 1)) != 0) value |= ~uint64_t{0} << (size * 8);
    PushInt(static_cast<int64_t>(value));
  }
  void BinFloat() {
    uint64_t bits = 0;
    for (char byte : Take(8)) bits = bits << 8 | static_cast<uint8_t>(byte);
    PushNew(Kind::kFloat);
    stack_.back()->real = std::bit_cast<double>(bits);
  }
  void Stop() {
    PickleValue* top = Pop();
    if (top != nullptr) pickle_.root_ = top;
  }

  void Step(uint8_t code) {
    if (!status_.ok()) return;
    if (StepNumbers(code) || StepTexts(code) || StepContainers(code)) return;
    switch (code) {
      case 0x80:  // PROTO
        if (Number(1) > 5) Fail("it is of a protocol that is not known");
        return;
      case 0x95:  // FRAME: how much to read ahead
        Number(8);
        return;
      case 'q':  // BINPUT
        return Remember(Number(1));
      case 'r':  // LONG_BINPUT
        return Remember(Number(4));
      case 0x94:  // MEMOIZE
        return Remember(memo_.size());
      case 'h':  // BINGET
        return Recall(Number(1));
      case 'j':  // LONG_BINGET
        return Recall(Number(4));
      case 'c': {  // GLOBAL
        std::string_view module = Line();
        return Global(module, Line());
      }
      case 0x93:
        return StackGlobal();
      case 'R':  // REDUCE
        return Call();
      case 'b':
        return Build();
      case 'Q':  // BINPERSID
        return PushItems(Kind::kPersistent, PopSome(1));
      case '.':
        return Stop();
      default:
        Fail(fmt::format("its instruction 0x{:02x} is not one that tensors need", code));
    }
  }

  bool StepNumbers(uint8_t code) {
    switch (code) {
      case 'N':
        return PushNew(Kind::kNone), true;
      case 0x88:
        return PushInt(1, Kind::kBool), true;
      case 0x89:
        return PushInt(0, Kind::kBool), true;
      case 'J':  // BININT
        return PushInt(static_cast<int32_t>(Number(4))), true;
      case 'K':
        return PushInt(static_cast<int64_t>(Number(1))), true;
      case 'M':
        return PushInt(static_cast<int64_t>(Number(2))), true;
      case 0x8a:  // LONG1
        return LongInt(Number(1)), true;
      case 0x8b:  // LONG4
        return LongInt(Number(4)), true;
      case 'G':
        return BinFloat(), true;
      default:
        return false;
    }
  }

  bool StepTexts(uint8_t code) {
    switch (code) {
      case 'X':  // BINUNICODE
      case 'T':  // BINSTRING
      case 'B':  // BINBYTES
        return PushText(Take(Number(4))), true;
      case 0x8c:  // SHORT_BINUNICODE
      case 'U':
      case 'C':
        return PushText(Take(Number(1))), true;
      case 0x8d:  // BINUNICODE8
        return PushText(Take(Number(8))), true;
      default:
        return false;
    }
  }

  bool StepContainers(uint8_t code) {
    switch (code) {
      case '(':
        return marks_.push_back(stack_.size()), true;
      case ')':
        return PushNew(Kind::kTuple), true;
      case ']':
        return PushNew(Kind::kList), true;
      case '}':
        return PushNew(Kind::kDict), true;
      case 't':
        return PushItems(Kind::kTuple, PopMark()), true;
      case 0x85:
      case 0x86:
      case 0x87:  // TUPLE1 to TUPLE3
        return PushItems(Kind::kTuple, PopSome(code - 0x84u)), true;
      case 'a':
        return AddItems(Kind::kList, PopSome(1)), true;
      case 'e':
        return AddItems(Kind::kList, PopMark()), true;
      case 's':
        return AddItems(Kind::kDict, PopSome(2)), true;
      case 'u':
        return AddItems(Kind::kDict, PopMark()), true;
      default:
        return false;
    }
  }

  Bytes bytes_;
  size_t at_ = 0;
  Status status_;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;  // how many values lay below each
  std::unordered_map<uint64_t, PickleValue*> memo_;
};

Result<Pickle> Pickle::Read(Bytes bytes) {
  return PickleMachine(bytes).Run();
}

}  // namespace ns
