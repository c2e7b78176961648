#include "runtime/tap_operator.h"

#include <memory>

#include "graph/attributes.h"
#include "graph/edit.h"

namespace ns {

namespace {

constexpr char kTapIndex[] = "value";  // attribute: the value's position

thread_local TapScope* current_scope = nullptr;

struct TapKernel {
  explicit TapKernel(const OrtKernelInfo* info)
      : value(static_cast<size_t>(Ort::ConstKernelInfo(info).GetAttribute<int64_t>(kTapIndex))) {}

  void Compute(OrtKernelContext* raw) {
    Ort::KernelContext context(raw);
    Ort::ConstValue input = context.GetInput(0);
    const int64_t one = 1;
    context.GetOutput(0, &one, 1).GetTensorMutableData<int64_t>()[0] = 0;
    // A session with one thread computes on the thread that called Run().
    if (current_scope == nullptr) return;
    TensorView view{DType::kFloat, input.GetTensorTypeAndShapeInfo().GetShape(), input.GetTensorRawData()};
    current_scope->See(value, view);
  }

  size_t value;
};

struct TapOperator : Ort::CustomOpBase<TapOperator, TapKernel> {
  void* CreateKernel(const OrtApi&, const OrtKernelInfo* info) const { return std::make_unique<TapKernel>(info).release(); }
  const char* GetName() const { return kTapType; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64; }
};

}  // namespace

OrtCustomOpDomain* TapDomain() {
  static OrtCustomOpDomain* domain = [] {
    static TapOperator tap;
    Ort::CustomOpDomain made(kTapDomain);
    made.Add(&tap);
    return made.release();
  }();
  return domain;
}

std::string AddTap(Model& model, const std::string& value, size_t index) {
  if (model.OpsetOf(kTapDomain) == 0) model.SetOpset(kTapDomain, 1);
  std::string output = model.UniqueName("tap");
  auto& node = AddNode(model.mutable_graph(), kTapType, {value}, {output}, output);
  node.set_domain(kTapDomain);
  SetAttribute(node, kTapIndex, static_cast<int64_t>(index));
  auto* declared = model.mutable_graph().add_output();
  declared->set_name(output);
  auto* type = declared->mutable_type()->mutable_tensor_type();
  type->set_elem_type(static_cast<int32_t>(DType::kInt64));
  type->mutable_shape()->add_dim()->set_dim_value(1);
  return output;
}

TapScope::TapScope(const TappedSession::Tap& tap) : tap_(tap) {
  NS_CHECK(current_scope == nullptr);
  current_scope = this;
}

TapScope::~TapScope() { current_scope = nullptr; }

void TapScope::See(size_t value, const TensorView& tensor) {
  if (status_.ok()) status_ = tap_(value, tensor);
}

}  // namespace ns
