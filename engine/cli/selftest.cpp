// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "common_options.h"
#include "files.h"
#include "handles.h"
#include "output.h"
#include "progress.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

struct Options {
    std::string model, isa;
    std::uint64_t max_memory = 0;  // MiB
    std::uint32_t threads = 1;
};

ExitStatus selftest(const Options& options) {
    require_isa(options.isa);
    const Model model(options.model);
    Session session(model, SessionRequest{0, 0, options.threads, options.isa, {}, options.max_memory, 0, true});
    session.require(model.path());
    session.lines().clear();
    double worst = 0;
    const fovea_status status = fovea_selftest(session.get(), &worst);
    if (status == FOVEA_ERROR_SELFTEST_FAILED) {
        throw Failure(kSelftestFailed, model.path(), session.lines().cause(status));
    }
    if (status != FOVEA_OK) {
        throw Failure(exit_status_of(status), model.path(), session.lines().cause(status));
    }
    char line[160];
    std::snprintf(line, sizeof(line),
                  "self-test passed on %s: %s, largest logit difference %.3g\n",
                  session.info().isa, amount(model.info().golden_count, "golden vector").c_str(), worst);
    Output("").write(line);
    return kDone;
}

}  // namespace

void add_selftest(CommandLine& program) {
    const auto options = std::make_shared<Options>();
    Verb verb = program.add_verb(
        "selftest", "Check on this CPU that a model gives the results stored in its file");
    verb.add_option("model", options->model, "The model, a .fovea file").required();
    add_threads_option(verb, options->threads);
    add_isa_option(verb, options->isa);
    add_max_memory_option(verb, options->max_memory);
    verb.footer(
        "Exit status 5 when a result is further off than the model's file allows.\n"
        "Examples:\n"
        "  fovea selftest small224.fovea\n"
        "  fovea selftest --isa scalar small224.fovea");
    verb.action([options] { return selftest(*options); });
}

}  // namespace fovea::cli
