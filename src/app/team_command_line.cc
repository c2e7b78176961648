#include "app/team_command_line.h"

#include <CLI/CLI.hpp>

namespace ns {

void AddWorkersOption(CLI::App* optimize, LeadOptions* options) {
  optimize->add_option("--workers", options->workers, "Processes that share the work, each with its part of the cores (1)")->check(CLI::Range(1, 1024));
}

void AddLeadOptions(CLI::App* lead, LeadOptions* options) {
  lead->add_option("--team-socket", options->socket, "Unix socket to listen at for assistants (works alone)");
  lead->add_option("--team-token-file", options->token_file, "File with the token that assistants must know");
  lead->add_option("--team-expiry", options->expiry_seconds, "Seconds without a sign of life after which an assistant is lost (10)")
      ->check(CLI::PositiveNumber);
  lead->add_option("--team-surplus", options->surplus_seconds, "Seconds without work after which an assistant is sent away (30)")
      ->check(CLI::PositiveNumber);
}

void AddAssistOptions(CLI::App* assist, AssistOptions* options, std::string* cores) {
  assist->add_option("--lead-socket", options->socket, "Unix socket of the task's lead; tried again until it is there")->required();
  assist->add_option("--team-token-file", options->token_file, "File with the task's token")->required();
  assist->add_option("--worker", options->worker, "Number of this worker in the task, from 1")->required()->check(CLI::PositiveNumber);
  assist->add_option("--fence", options->fence, "Number of this start of the worker; a later one replaces an earlier (0)");
  assist->add_option("--threads", options->threads, "Threads of evaluation and calibration (one a core)")->check(CLI::PositiveNumber);
  assist->add_option("--cores", *cores, "Processors to run on: 0,2-3 (all)");
  assist->add_option("--lead-patience", options->lead_patience_seconds, "Seconds after which it ends when its lead is gone (never)")
      ->check(CLI::PositiveNumber);
  assist->add_option("--model", options->model, "Where the model is on this machine (where the lead has it)");
  assist->add_option("--data", options->data, "Where the data is on this machine (where the lead has it)");
  assist->add_option("--parent", options->parent)->group("");  // ours alone: of optimize --workers
  assist->add_option("--marks", options->marks)->group("");    // of a supervisor
  assist->add_option("--calibration", options->calibration, "Where the calibration data is on this machine (where the lead has it)");
}

Status CheckLeadOptions(const LeadOptions& options) {
  if (options.socket.empty() == options.token_file.empty()) return OkStatus();
  return InvalidArgument("--team-socket and --team-token-file go together", "BAD_USAGE");
}

}  // namespace ns
