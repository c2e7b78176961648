// How the workers of one task find each other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ns {

// The lead's side.
struct LeadOptions {
  std::filesystem::path socket;      // where it listens for assistants; empty: it works alone
  std::filesystem::path token_file;  // what they must know
  int workers = 1;                   // at most so many, the lead among them: what the task asked for
  double expiry_seconds = 10;        // an assistant that shows no sign of life for so long is taken for lost
  double surplus_seconds = 30;       // one that has had nothing to do for so long is sent away
};

// An assistant's side. It learns everything else from its lead.
struct AssistOptions {
  std::filesystem::path socket;      // the lead's; it may appear later
  std::filesystem::path token_file;
  int worker = 1;                    // its number in the task; the lead is 0
  uint64_t fence = 0;                // counts the starts of this worker
  int threads = 0;                   // of evaluation and calibration; 0: one a core
  std::vector<int> cores;            // it runs on these; empty: all it may use
  // Where the task's files are on this machine, if not where the lead has them; empty: there.
  std::filesystem::path model, data, calibration;
  // It ends when it has had no lead for so long, so that what it holds can serve that, or others; before it has had any, four times as long. 0: never.
  double lead_patience_seconds = 0;
  std::filesystem::path marks;       // folder of the names of what is in work (work_marks.h); empty: nothing is marked
  int parent = 0;                    // killed when the process with this id, which started it, ends; 0: it may outlive that
};

// The processor's model and features: results of equal ones are equal to the last bit.
std::string ProcessorName();

}  // namespace ns
