// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "descriptors.h"
#include "files.h"
#include "fovea/fovea.h"
#include "interruption.h"
#include "output.h"
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

// A message of several lines as one.
std::string one_line(std::string text) {
    for (char& character : text) {
        if (character == '\n') character = ' ';
    }
    return text;
}

// What is wrong with a command line whose verb was not found.
std::string verb_problem(const CLI::App& program) {
    std::string verbs;
    for (const CLI::App* verb : program.get_subcommands({})) {
        verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
    }
    const std::vector<std::string> unknown = program.remaining();
    return (unknown.empty() ? "a verb is missing" : "there is no verb or option " + unknown.front()) +
           "; the verbs are " + verbs;
}

int run(int argc, char** argv) {
    CLI::App program(kDescription, "fovea");
    program.footer(kFooter);
    program.set_version_flag("--version", std::string("fovea ") + fovea_version());
    program.require_subcommand(1);
    Action chosen;
#if defined(FOVEA_HAVE_SCREENING)
    add_screen(program, chosen);
#else
    add_left_out(program, chosen, "screen", "screening");
#endif
    add_preprocess(program, chosen);
    add_run(program, chosen);
#if defined(FOVEA_HAVE_EXPLAIN)
    add_explain(program, chosen);
#else
    add_left_out(program, chosen, "explain", "explain");
#endif
    add_info(program, chosen);
    add_selftest(program, chosen);
    add_kernels(program, chosen);
    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& success) {
        std::ostringstream text;  // help or version
        program.exit(success, text, text);
        Output output("");
        output.write(text.str());
        output.close();
        return kDone;
    } catch (const CLI::ParseError& error) {
        const std::vector<CLI::App*> verbs = program.get_subcommands();
        const std::string verb = verbs.empty() ? "" : " " + verbs.front()->get_name();
        const std::string problem = verbs.empty() ? verb_problem(program) : one_line(error.what());
        complain("wrong usage", problem + " (see fovea" + verb + " --help)");
        return kWrongUsage;
    }
    return chosen();
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
