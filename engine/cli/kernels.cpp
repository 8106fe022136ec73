// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "common_options.h"
#include "files.h"
#include "handles.h"
#include "output.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

ExitStatus kernels(const std::string& isa) {
    require_isa(isa);
    const char* cap = isa.empty() ? nullptr : isa.c_str();
    std::uint32_t count = 0;
    fovea_status status = fovea_kernels(cap, nullptr, 0, &count);
    std::vector<fovea_kernel> rows(count);
    if (!rows.empty()) rows[0].size = sizeof(fovea_kernel);
    if (status == FOVEA_OK) status = fovea_kernels(cap, rows.data(), count, &count);
    if (status != FOVEA_OK) throw Failure(kFailure, "kernels", fovea_status_string(status));

    std::size_t operation_width = 0, variant_width = 0;
    for (const fovea_kernel& row : rows) {
        operation_width = std::max(operation_width, std::string(row.operation).size());
        variant_width = std::max(variant_width, std::string(row.variant).size());
    }
    std::string text = "instruction sets of this CPU: " + isa_list() + "\n";
    for (const fovea_kernel& row : rows) {
        std::string operation = row.operation, variant = row.variant;
        operation.resize(operation_width + 2, ' ');
        variant.resize(variant_width + 2, ' ');
        text += operation + variant +
                (row.chosen != 0      ? "chosen"
                 : row.available != 0 ? "available"
                                      : "not on this CPU") +
                "\n";
    }
    Output("").write(text);
    return kDone;
}

}  // namespace

void add_kernels(CommandLine& program) {
    const auto isa = std::make_shared<std::string>();
    Verb verb = program.add_verb(
        "kernels", "List each operation's kernels and the one that is used on this CPU");
    add_isa_option(verb, *isa);
    verb.footer(
        "Examples:\n"
        "  fovea kernels\n"
        "  fovea kernels --isa scalar");
    verb.action([isa] { return kernels(*isa); });
}

}  // namespace fovea::cli
