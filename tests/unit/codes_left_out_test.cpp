// SPDX-License-Identifier: Apache-2.0
// A library without networks of 8-bit integers refuses their files and says why; the same network of floats it takes.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "fovea/fovea.h"
#include "tests/unit/code_network.h"
#include "tests/unit/load_attempt.h"
#include "tests/unit/model_builder.h"

TEST_CASE("codes left out: a network of codes is refused, and why") {
    std::mt19937 random(1);
    const code_network::CodeNetwork network = code_network::make(random, 5);
    const load_attempt::Attempt attempt = load_attempt::load(model_builder::build(network.file));
    CHECK(attempt.status == FOVEA_ERROR_UNSUPPORTED_MODEL);
    CHECK_MESSAGE(attempt.message.find("section QUNT: a network of 8-bit integers") != std::string::npos, attempt.message);
    CHECK_MESSAGE(attempt.message.find("-Dint8=disabled") != std::string::npos, attempt.message);
    model_builder::ModelSpec floats = network.real;  // whose nodes still say which codes they make
    for (model_builder::NodeSpec& node : floats.nodes) node.codes = {};
    CHECK(load_attempt::load(model_builder::build(floats)).status == FOVEA_OK);
}
