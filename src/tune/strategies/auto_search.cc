#include "tune/strategies/auto_search.h"

#include <algorithm>
#include <cmath>

#include "tune/strategies/repair.h"
#include "tune/strategies/treatment.h"

namespace ns {

namespace {

// A way in which the model as a whole can compute.
struct Form {
  QuantConfig config;
  std::string label;
  OpMode mode = OpMode::kStatic;
  double gain = 0;
  double sqnr_db = 0;
  bool holds = false;
  bool later = false;  // when the others have been tried and repaired
};

class Search {
 public:
  explicit Search(Inquiry& ask) : ask_(ask), problem_(ask.history().problem()) {}

  Status Run() {
    std::vector<Form> forms = Forms();
    NS_RETURN_IF_ERROR(TryForms(forms));
    std::vector<Form> now, later;
    for (Form& form : forms) (form.later ? later : now).push_back(std::move(form));
    if (problem_.goals.BaselineHolds()) NS_RETURN_IF_ERROR(Repair(now));
    for (Form& form : later) NS_RETURN_IF_ERROR(TryTimed(form));
    if (problem_.goals.BaselineHolds()) NS_RETURN_IF_ERROR(Repair(later));
    return best_ > 0 ? OkStatus() : TryWeightsAlone();
  }

 private:
  // Share of the model's run below which quantizing its operators cannot give what is worth having.
  static constexpr double kLeastShare = 0.05;

  std::vector<Form> Forms() const {
    std::vector<Form> forms;
    auto add = [&](OpMode mode, bool allowed) {
      if (!allowed || problem_.space.CountWith(mode) == 0) return;
      if (problem_.objective.size == 0 && problem_.space.ShareWith(mode) < kLeastShare && !forms.empty()) return;
      forms.push_back({problem_.space.Uniform(mode), std::string(OpModeName(mode)), mode});
    };
    add(OpMode::kStatic, problem_.try_static);
    add(OpMode::kDynamic, problem_.try_dynamic);
    bool small = problem_.objective.size > 0 || problem_.objective.memory > 0;
    add(OpMode::kWeightOnly, small);
    add(OpMode::kWeightOnlyInt4, small || (problem_.try_static && problem_.try_dynamic));  // the space offers it where it gains
    return forms;
  }

  bool Worth(double gain) const { return best_ > 0 ? problem_.objective.WorthMore(gain, best_) : gain > 0; }

  // A timed model that holds the accuracy may be the best.
  void Take(const QuantConfig& config, double gain) {
    const MeasuredModel* model = ask_.history().FindModel(config);
    if (model != nullptr && problem_.objective.BeatsFloat(*model, problem_.float_model)) best_ = std::max(best_, gain);
  }

  Status TryForms(std::vector<Form>& forms) {
    if (forms.empty()) return OkStatus();
    NS_ASSIGN_OR_RETURN(forms[0].holds, ask_.Holds(forms[0].config, forms[0].label));
    std::vector<QuantConfig> configs;
    for (const Form& form : forms) configs.push_back(form.config);
    NS_ASSIGN_OR_RETURN(auto gains, ask_.Gains(configs));
    for (size_t i = 0; i < forms.size(); ++i) {
      forms[i].gain = gains[i];
      timed_.emplace_back(forms[i].config, *ask_.history().FindModel(forms[i].config));
    }
    if (forms[0].holds) Take(forms[0].config, forms[0].gain);
    double fastest = *std::max_element(gains.begin(), gains.end());
    for (Form& form : forms) form.later = form.mode == OpMode::kWeightOnlyInt4 && problem_.objective.WorthMore(fastest, form.gain);
    std::vector<Form*> others;
    for (size_t i = 1; i < forms.size(); ++i) others.push_back(&forms[i]);
    std::stable_sort(others.begin(), others.end(), [&](const Form* a, const Form* b) { return a->gain > b->gain; });
    for (Form* form : others) {
      if (!form->later) NS_RETURN_IF_ERROR(TryTimed(*form));
    }
    return OkStatus();
  }

  Status TryTimed(Form& form) {
    if (!Worth(form.gain) || !MayBeatFloat(form)) return OkStatus();
    NS_ASSIGN_OR_RETURN(form.holds, ask_.Holds(form.config, form.label));
    if (form.holds) Take(form.config, form.gain);
    return OkStatus();
  }

  bool MayBeatFloat(const Form& form) const {
    const MeasuredModel* model = ask_.history().FindModel(form.config);
    return model != nullptr && model->speed.speedup > 0 && problem_.objective.BeatsFloat(*model, problem_.float_model);
  }

  // The forms that failed and are fast enough, the one whose outputs are nearest to fp32's first.
  Status Repair(std::vector<Form>& forms) {
    std::vector<Form> failed;
    for (const Form& form : forms)
      if (!form.holds && form.mode != OpMode::kWeightOnly && Worth(form.gain) && MayBeatFloat(form)) failed.push_back(form);
    if (failed.size() > 1) {
      std::vector<QuantConfig> configs;
      for (const Form& form : failed) configs.push_back(form.config);
      NS_ASSIGN_OR_RETURN(auto sqnr, ask_.OutputSqnr(configs));
      for (size_t i = 0; i < failed.size(); ++i) failed[i].sqnr_db = sqnr[i];
      std::stable_sort(failed.begin(), failed.end(), [](const Form& a, const Form& b) { return a.sqnr_db > b.sqnr_db; });
    }
    for (const Form& form : failed) {
      if (!Worth(form.gain)) continue;
      NS_RETURN_IF_ERROR(RepairForm(form));
    }
    return OkStatus();
  }

  Status RepairForm(const Form& form) {
    NS_ASSIGN_OR_RETURN(Treated treated, Treat(ask_, form.config, form.label));
    if (treated.changed) {
      NS_ASSIGN_OR_RETURN(bool holds, ask_.Holds(treated.config, treated.label));
      if (holds) return TimeAndTake(treated.config);
      if (treated.config.smooth_quant) {
        NS_ASSIGN_OR_RETURN(Treated finer, SmoothLayerByLayer(ask_, treated));
        if (finer.changed) {
          treated = finer;
          NS_ASSIGN_OR_RETURN(holds, ask_.Holds(treated.config, treated.label));
          if (holds) return TimeAndTake(treated.config);
        }
      }
    }
    NS_ASSIGN_OR_RETURN(auto repaired, FindFewestInFloat(ask_, {treated.config, treated.label, form.gain, best_, timed_}));
    for (const QuantConfig& config : repaired) NS_RETURN_IF_ERROR(TimeAndTake(config));
    return OkStatus();
  }

  Status TimeAndTake(const QuantConfig& config) {
    NS_ASSIGN_OR_RETURN(auto gains, ask_.Gains({config}));
    Take(config, gains[0]);
    return OkStatus();
  }

  Status TryWeightsAlone() {
    if (problem_.space.CountWith(OpMode::kWeightOnly) == 0) return OkStatus();
    QuantConfig config = problem_.space.Uniform(OpMode::kWeightOnly);
    NS_ASSIGN_OR_RETURN(bool holds, ask_.Holds(config, "weight-only"));
    return holds ? TimeAndTake(config) : OkStatus();
  }

  Inquiry& ask_;
  const TuningProblem& problem_;
  TimedModels timed_;  // the forms
  double best_ = 0;    // gain of the best that holds the accuracy and beats fp32; 0: none
};

}  // namespace

std::vector<Proposal> AutoSearch::Propose(const TuningHistory& history, int count) {
  return Inquiry::Plan(history, count, [](Inquiry& ask) { return Search(ask).Run(); });
}

std::string AutoSearch::Explain(const TuningHistory& history) const {
  std::string why;
  for (const Trial& trial : history.trials()) {
    if (!trial.result || trial.accepted || trial.failed()) continue;
    const MeasuredModel* model = history.FindModel(trial.config);
    if (model == nullptr || model->speed.speedup <= 0) continue;
    if (history.problem().objective.BeatsFloat(*model, history.problem().float_model)) continue;
    why += fmt::format("{}{} runs at {:.2f} times the speed of fp32 and was not worth repairing", why.empty() ? "" : "; ",
                       trial.label, model->speed.speedup);
  }
  return why;
}

}  // namespace ns
