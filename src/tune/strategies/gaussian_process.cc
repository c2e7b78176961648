#include "tune/strategies/gaussian_process.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ns {

namespace {

constexpr double kOverlaps[] = {0.25, 0.5, 0.75, 0.95};
constexpr double kLengths[] = {0.1, 0.3, 1};
constexpr double kNoises[] = {1e-3, 1e-2, 1e-1};
constexpr double kPriorObservations = 2;  // of variance 1

double Distance(const GridPoint& a, const GridPoint& b) {
  size_t differ = 0;
  for (size_t i = 0; i < a.size(); ++i) differ += a[i] != b[i];
  return a.empty() ? 0 : static_cast<double>(differ) / static_cast<double>(a.size());
}

double Correlation(const GaussianProcess::Kernel& kernel, double distance) {
  return kernel.overlap * (1 - distance) + (1 - kernel.overlap) * std::exp(-distance / kernel.length);
}

}  // namespace

GaussianProcess::GaussianProcess(std::vector<Observed> observed, const Kernel& kernel)
    : observed_(std::move(observed)), kernel_(kernel) {
  Fit(Distances(), false);
}

GaussianProcess::GaussianProcess(std::vector<Observed> observed) : observed_(std::move(observed)) { Fit(); }

Eigen::MatrixXd GaussianProcess::Distances() const {
  NS_CHECK(!observed_.empty());
  auto n = static_cast<Eigen::Index>(observed_.size());
  Eigen::MatrixXd distances(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j <= i; ++j)
      distances(i, j) = distances(j, i) = Distance(observed_[static_cast<size_t>(i)].point, observed_[static_cast<size_t>(j)].point);
  return distances;
}

void GaussianProcess::Fit() {
  Eigen::MatrixXd distances = Distances();
  Kernel best;
  double best_likelihood = -INFINITY;
  for (double overlap : kOverlaps)
    for (double length : kLengths)
      for (double noise : kNoises) {
        kernel_ = {overlap, length, noise, 1};
        Fit(distances, true);
        if (log_likelihood_ <= best_likelihood) continue;
        best_likelihood = log_likelihood_;
        best = kernel_;
      }
  kernel_ = best;
  Fit(distances, false);
}

void GaussianProcess::Fit(const Eigen::MatrixXd& distances, bool fit_variance) {
  auto n = distances.rows();
  Eigen::MatrixXd k = distances.unaryExpr([&](double h) { return Correlation(kernel_, h); });
  Eigen::VectorXd y(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Observed& one = observed_[static_cast<size_t>(i)];
    k(i, i) += kernel_.noise + one.noise;
    y(i) = one.value;
  }
  cholesky_.compute(k);
  NS_CHECK(cholesky_.info() == Eigen::Success, "kernel matrix of {} points is not positive definite", n);
  weights_ = cholesky_.solve(y);
  double count = static_cast<double>(n), fit = y.dot(weights_);
  if (fit_variance) kernel_.variance = (fit + kPriorObservations) / (count + kPriorObservations);
  double log_determinant = 2 * cholesky_.matrixLLT().diagonal().array().log().sum();
  log_likelihood_ = -0.5 * (fit / kernel_.variance + log_determinant +
                            count * std::log(2 * std::numbers::pi * kernel_.variance));
}

GaussianProcess::Posterior GaussianProcess::At(const GridPoint& point) const {
  auto n = static_cast<Eigen::Index>(observed_.size());
  Eigen::VectorXd k(n);
  for (Eigen::Index i = 0; i < n; ++i) k(i) = Correlation(kernel_, Distance(observed_[static_cast<size_t>(i)].point, point));
  double mean = k.dot(weights_);
  cholesky_.matrixL().solveInPlace(k);
  return {mean, std::sqrt(kernel_.variance * std::max(1 - k.squaredNorm(), 1e-12))};
}

void GaussianProcess::Add(Observed observed) {
  observed_.push_back(std::move(observed));
  Fit(Distances(), false);
}

}  // namespace ns
