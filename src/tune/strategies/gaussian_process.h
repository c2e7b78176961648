// Gaussian process regression over categorical points.
//
// Posterior by the Cholesky decomposition K = L Lᵀ of the kernel matrix (C. Rasmussen, C. Williams, Gaussian Processes for Machine
// Learning, 2006, algorithm 2.1): mean k*ᵀ K⁻¹ y, variance k** - |L⁻¹ k*|².
//
// The kernel, with h the share of dimensions in which two points differ (Hamming distance over their number):
//   k(x, x') = σ² (w (1 - h) + (1 - w) exp(-h / ℓ)),   noise σ² (n + e) on the diagonal.
// 1 - h is the overlap kernel (B. Ru and others, Bayesian Optimisation over Multiple Continuous and Categorical Inputs, ICML
// 2020, section 4.1), the prior of a sum of one effect a dimension; the exponential of the Hamming distance (F. Hutter,
// H. Hoos, K. Leyton-Brown, Sequential Model-Based Optimization for General Algorithm Configuration, LION 2011, section 4.1)
// takes what such a sum does not explain.
//
// w, ℓ and n are those of a small grid with the greatest log marginal likelihood (algorithm 2.1, line 7), σ² the one that
// maximises it given them, with a prior worth two observations of variance 1. Three bounded parameters and at most a few hundred
// observations need no optimizer: the 36 decompositions take milliseconds, and the same data give the same process.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <vector>

#include "tune/strategies/choice_grid.h"

namespace ns {

struct Observed {
  GridPoint point;
  double value = 0;
  double noise = 0;  // e: of this one beside that of all, in units of σ²
};

class GaussianProcess {
 public:
  struct Kernel {
    double overlap = 0.5;  // w, in [0, 1]
    double length = 0.3;   // ℓ
    double noise = 0.01;   // n
    double variance = 1;   // σ²
  };
  struct Posterior {
    double mean = 0;
    double deviation = 0;
  };

  // With this kernel. At least one observation, all points of one length (NS_CHECK).
  GaussianProcess(std::vector<Observed> observed, const Kernel& kernel);
  // With the likeliest kernel.
  explicit GaussianProcess(std::vector<Observed> observed);

  // Of the function itself, without the observations' noise.
  Posterior At(const GridPoint& point) const;
  // One more observation, the kernel staying.
  void Add(Observed observed);

  const Kernel& kernel() const { return kernel_; }
  double log_likelihood() const { return log_likelihood_; }

 private:
  Eigen::MatrixXd Distances() const;
  void Fit();
  void Fit(const Eigen::MatrixXd& distances, bool fit_variance);

  std::vector<Observed> observed_;
  Kernel kernel_;
  Eigen::LLT<Eigen::MatrixXd> cholesky_;  // of K / σ²
  Eigen::VectorXd weights_;               // (K / σ²)⁻¹ y
  double log_likelihood_ = 0;
};

}  // namespace ns
