// SPDX-License-Identifier: Apache-2.0
// What the program's verbs know of its command line. CLI11 reads it, whose headers take the compiler seconds: command_line.cpp alone has
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exit_status.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fovea::cli {

// What the command line asked for, to be called once it has been read. Throws Failure and ClosedPipe.
using Action = std::function<ExitStatus()>;

// An option or argument of a verb, belonging to the command line; copies are of the same one.
class Option {
  public:
    explicit Option(CLI::Option* option) : option_(option) {}

    Option& required();
    // What else than a value on the command line gives one.
    Option& environment(std::string_view variable);
    // Values from least to most, both included; the help shows these, and whether they are whole numbers.
    Option& range(int least, int most);
    Option& range(double least, double most);
    // Values that the help lists.
    Option& one_of(const std::vector<std::string>& values);
    Option& one_of(const std::vector<int>& values);
    // problem: what is wrong with a value, empty for nothing.
    Option& check(const std::function<std::string(const std::string&)>& problem);
    // In the help, the value that the option's variable has now.
    Option& show_default();
    // Not on one command line with the other.
    Option& excludes(const Option& other);

  private:
    CLI::Option* option_;
};

// A verb, belonging to the command line; copies are of the same one.
class Verb {
  public:
    Verb(CLI::App* verb, Action* chosen) : verb_(verb), chosen_(chosen) {}

    // names: those of an option with commas between, or of an argument, which has no dashes. What is given goes to the variable, which
    // has the default until then and must be there as long as the verb.
    Option add_option(std::string_view names, std::string& variable, std::string_view help);
    Option add_option(std::string_view names, std::vector<std::string>& variable, std::string_view help);
    Option add_option(std::string_view names, std::uint32_t& variable, std::string_view help);
    Option add_option(std::string_view names, std::uint64_t& variable, std::string_view help);
    Option add_option(std::string_view names, double& variable, std::string_view help);
    // An option without a value.
    Option add_flag(std::string_view names, bool& variable, std::string_view help);
    // Takes whatever comes after the verb and looks at none of it.
    void ignore_arguments();
    // The end of the verb's help.
    void footer(std::string_view text);
    // What the verb does once its variables are filled.
    void action(const Action& action);

  private:
    CLI::App* verb_;
    Action* chosen_;
};

class CommandLine {
  public:
    // help: of the program, before what it says of options and verbs, and after it.
    CommandLine(std::string_view program, std::string_view version, std::string_view help, std::string_view footer);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    Verb add_verb(std::string_view name, std::string_view help);

    // Does what the arguments ask for: a verb's action, or to print the help or the version. Throws Failure (kWrongUsage) and what the
    // action throws.
    ExitStatus run(int argc, char** argv);

  private:
    const std::unique_ptr<CLI::App> program_;
    Action chosen_;
};

}  // namespace fovea::cli
