// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>

#include "command_line.h"
#include "descriptors.h"
#include "files.h"
#include "fovea/fovea.h"
#include "interruption.h"
#include "text_safety.h"
#include "verbs.h"

namespace {

using namespace fovea::cli;

constexpr const char* kDescription =
    "fovea: finds signs of diabetic retinopathy in photographs of the eye.\n"
    "Research software, not a medical device.";

constexpr const char* kFooter =
    "Examples:\n"
    "  fovea screen --model small224.fovea photo.jpg\n"
    "  fovea screen --model small224.fovea --format csv --output results.csv photos/\n"
    "  fovea info small224.fovea\n"
    "`fovea VERB --help` tells more about each.\n"
    "\n"
    "Exit status: 0 done; 1 an output could not be written, or memory is short; 2 wrong usage;\n"
    "3 some inputs could not be read (each is named, the rest is done); 4 bad model;\n"
    "5 self-test failed.";

int run(int argc, char** argv) {
    CommandLine program("fovea", std::string("fovea ") + fovea_version(), kDescription, kFooter);
#if defined(FOVEA_HAVE_SCREENING)
    add_screen(program);
#else
    add_left_out(program, "screen", "screening");
#endif
    add_preprocess(program);
    add_run(program);
#if defined(FOVEA_HAVE_EXPLAIN)
    add_explain(program);
#else
    add_left_out(program, "explain", "explain");
#endif
    add_info(program);
    add_selftest(program);
    add_kernels(program);
    return program.run(argc, argv);
}

// Ends as every program does that the signal ends.
int end_by(int signal) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return kFailure;
}

int run_reported(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const Failure& failure) {
        complain(failure.subject(), failure.what());
        return failure.status();
    } catch (const Interrupted& interrupted) {
        return end_by(interrupted.signal);
    } catch (const ClosedPipe&) {
        return end_by(SIGPIPE);
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        complain("internal error", one_line(error.what()));
        return kFailure;
    }
}

int end_without_memory() {
    say("fovea: memory: there is not enough\n");
    return kFailure;
}

// The JSON library allocates in destructors, the standard one in functions that throw nothing, and CLI11 before main: no exception
// leads out of there. Which one it was that could not is not always known; that memory was refused is.
class Terminator {
  public:
    Terminator() {
        std::set_new_handler([] {
            was_refused_ = true;
            throw std::bad_alloc();
        });
        std::set_terminate([] {
            if (was_refused_) ::_exit(end_without_memory());
            std::abort();
        });
    }

  private:
    static std::atomic<bool> was_refused_;
};
std::atomic<bool> Terminator::was_refused_{false};
[[gnu::init_priority(101)]] const Terminator terminator;  // before what CLI11 has

}  // namespace

int main(int argc, char** argv) {
    occupy_standard_descriptors();
    // A closed pipe and a file at its greatest size are then errors of the write, after which files in the making are tidied up.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    try {
        return run_reported(argc, argv);
    } catch (const std::bad_alloc&) {
        return end_without_memory();
    }
}
