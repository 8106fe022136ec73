// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include "output.h"
#include "text_safety.h"

namespace fovea::cli {
namespace {

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

// An option or argument of one value, which is not empty, as what a shell makes of a variable that is not set: no name of a file, no
// choice, and no number either, though CLI11 takes it for 0.
Option of_one_value(CLI::Option* option) {
    return Option(option).check([](const std::string& text) { return text.empty() ? "the value is empty" : ""; });
}

}  // namespace

Option& Option::required() {
    option_->required();
    return *this;
}

Option& Option::environment(std::string_view variable) {
    option_->envname(std::string(variable));
    return *this;
}

Option& Option::range(int least, int most) {
    option_->check(CLI::Range(least, most));
    return *this;
}

// CLI::Range lets pass what is no number.
Option& Option::range(double least, double most) {
    option_->check(CLI::Range(least, most));
    return check([](const std::string& text) {
        double value = 0;
        return CLI::detail::lexical_cast(text, value) && value != value ? "Value " + text + " is no number" : std::string();
    });
}

Option& Option::one_of(const std::vector<std::string>& values) {
    option_->check(CLI::IsMember(values));
    return *this;
}

Option& Option::one_of(const std::vector<int>& values) {
    option_->check(CLI::IsMember(values));
    return *this;
}

Option& Option::check(const std::function<std::string(const std::string&)>& problem) {
    option_->check(problem);
    return *this;
}

Option& Option::show_default() {
    option_->capture_default_str();
    return *this;
}

Option& Option::excludes(const Option& other) {
    option_->excludes(other.option_);
    return *this;
}

Option Verb::add_option(std::string_view names, std::string& variable, std::string_view help) {
    return of_one_value(verb_->add_option(std::string(names), variable, std::string(help)));
}

Option Verb::add_option(std::string_view names, std::vector<std::string>& variable, std::string_view help) {
    return Option(verb_->add_option(std::string(names), variable, std::string(help)));
}

Option Verb::add_option(std::string_view names, std::uint32_t& variable, std::string_view help) {
    return of_one_value(verb_->add_option(std::string(names), variable, std::string(help)));
}

Option Verb::add_option(std::string_view names, std::uint64_t& variable, std::string_view help) {
    return of_one_value(verb_->add_option(std::string(names), variable, std::string(help)));
}

Option Verb::add_option(std::string_view names, double& variable, std::string_view help) {
    return of_one_value(verb_->add_option(std::string(names), variable, std::string(help)));
}

Option Verb::add_flag(std::string_view names, bool& variable, std::string_view help) {
    return Option(verb_->add_flag(std::string(names), variable, std::string(help)));
}

void Verb::ignore_arguments() { verb_->prefix_command(); }

void Verb::footer(std::string_view text) { verb_->footer(std::string(text)); }

void Verb::action(const Action& action) {
    verb_->callback([chosen = chosen_, action] { *chosen = action; });
}

CommandLine::CommandLine(std::string_view program, std::string_view version, std::string_view help, std::string_view footer)
    : program_(std::make_unique<CLI::App>(std::string(help), std::string(program))) {
    program_->footer(std::string(footer));
    program_->set_version_flag("--version", std::string(version));
    program_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Verb CommandLine::add_verb(std::string_view name, std::string_view help) {
    return {program_->add_subcommand(std::string(name), std::string(help)), &chosen_};
}

ExitStatus CommandLine::run(int argc, char** argv) {
    try {
        program_->parse(argc, argv);
    } catch (const CLI::Success& success) {
        std::ostringstream text;  // help or version
        program_->exit(success, text, text);
        Output output("");
        output.write(text.str());
        output.close();
        return kDone;
    } catch (const CLI::ParseError& error) {
        const std::vector<CLI::App*> verbs = program_->get_subcommands();
        const std::string verb = verbs.empty() ? "" : " " + verbs.front()->get_name();
        const std::string problem = verbs.empty() ? verb_problem(*program_) : one_line(error.what());
        throw Failure(kWrongUsage, "wrong usage", problem + " (see " + program_->get_name() + verb + " --help)");
    }
    return chosen_();
}

}  // namespace fovea::cli
