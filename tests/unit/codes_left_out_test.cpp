// SPDX-License-Identifier: Apache-2.0
// A library without networks of 8-bit integers refuses their files and says why; the same network of floats it takes.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "fovea/fovea.h"
#include "tests/unit/code_network.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

struct Attempt {
    fovea_status status;
    std::string message;
};

Attempt load(const model_builder::ModelSpec& spec) {
    const model_builder::Bytes bytes = model_builder::build(spec);
    test_memory::AlignedCopy copy(bytes.data(), bytes.size());
    test_memory::LogCatcher log;
    fovea_model_settings settings;
    fovea_model_settings_init(&settings);
    settings.log = log.hooks();
    fovea_model* model = nullptr;
    const fovea_status status = fovea_model_load_memory(copy.data(), copy.size(), FOVEA_BORROW, &settings, &model);
    CHECK((model != nullptr) == (status == FOVEA_OK));
    fovea_model_close(&model);
    return {status, log.lines.empty() ? "" : log.lines.front()};
}

}  // namespace

TEST_CASE("codes left out: a network of codes is refused, and why") {
    std::mt19937 random(1);
    const code_network::CodeNetwork network = code_network::make(random, 5);
    const Attempt attempt = load(network.file);
    CHECK(attempt.status == FOVEA_ERROR_UNSUPPORTED_MODEL);
    CHECK_MESSAGE(attempt.message.find("section QUNT: a network of 8-bit integers") != std::string::npos, attempt.message);
    CHECK_MESSAGE(attempt.message.find("-Dint8=disabled") != std::string::npos, attempt.message);
    model_builder::ModelSpec floats = network.real;  // whose nodes still say which codes they make
    for (model_builder::NodeSpec& node : floats.nodes) node.codes = {};
    CHECK(load(floats).status == FOVEA_OK);
}
