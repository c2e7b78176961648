#include "api/rpc/call_metrics.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/metrics.h"

namespace ns {

namespace {

constexpr const char* kCodes[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

class CallHistograms {
 public:
  void Count(const std::string& method, grpc::StatusCode code, std::chrono::nanoseconds took) {
    Histogram* histogram = nullptr;
    {
      std::lock_guard lock(mutex_);
      Histogram*& known = known_[{method, code}];
      if (known == nullptr) {
        known = &Metrics().histogram("neural_solution_grpc_request_seconds",
                                     "Time from the start of a gRPC call to its status.", RequestSeconds(),
                                     {{"method", method}, {"code", kCodes[code]}});
      }
      histogram = known;
    }
    histogram->Observe(took);
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, grpc::StatusCode>, Histogram*> known_;
};

// Of one call; destroyed when that is over.
class CallWatch final : public grpc::experimental::Interceptor {
 public:
  CallWatch(CallHistograms& histograms, const char* method) : histograms_(histograms), method_(method) {}
  ~CallWatch() override { histograms_.Count(method_, code_, std::chrono::steady_clock::now() - began_); }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS))
      code_ = methods->GetSendStatus().error_code();
    methods->Proceed();
  }

 private:
  CallHistograms& histograms_;
  const std::string method_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  grpc::StatusCode code_ = grpc::StatusCode::CANCELLED;
};

class CallMetrics final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* call) override {
    const char* method = call->method();
    return std::make_unique<CallWatch>(histograms_, method == nullptr ? "" : method + (*method == '/'))
        .release();  // the library deletes it
  }

 private:
  CallHistograms histograms_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallMetrics() {
  return std::make_unique<CallMetrics>();
}

}  // namespace ns
