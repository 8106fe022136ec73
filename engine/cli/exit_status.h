// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace fovea::cli {

// What the program tells its caller; part of its interface, printed by --help.
enum ExitStatus : int {
    kDone = 0,
    kFailure = 1,         // something outside the inputs: an output cannot be written, no memory
    kWrongUsage = 2,      // unknown option, value out of range, contradiction
    kInputsFailed = 3,    // some inputs could not be read; each is named, the rest is done
    kBadModel = 4,        // the model cannot be loaded or cannot do what was asked
    kSelftestFailed = 5,  // the model gives other numbers on this CPU than its golden vectors say
};

// Ends the verb: printed as "fovea: <subject>: <cause>".
class Failure : public std::runtime_error {
  public:
    Failure(ExitStatus status, std::string subject, const std::string& cause)
        : std::runtime_error(cause), status_(status), subject_(std::move(subject)) {}
    ExitStatus status() const { return status_; }
    const std::string& subject() const { return subject_; }

  private:
    ExitStatus status_;
    std::string subject_;
};

// The reader of standard output has gone: stop, and say nothing.
struct ClosedPipe {};

}  // namespace fovea::cli
