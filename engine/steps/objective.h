// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/model/contents.h"

namespace fovea {

// The number whose change with the input a backward pass works out, of the logits at temperature 1.
struct Objective {
    enum class Kind : std::uint8_t {
        kMargin,       // log of the odds of the classes [first_class, last_class] against the others
        kLoss,         // cross-entropy, with first_class as the truth
        kLogit,        // of first_class
        kProbability,  // of first_class
    };
    Kind kind = Kind::kMargin;
    OutputForm form = OutputForm::kSoftmax;
    static constexpr std::uint32_t kPredicted = 0xFFFFFFFFu;  // the class with the largest logit; of margins none
    std::uint32_t first_class = 0, last_class = 0;
};

// The objective of those logits with its class known.
Objective with_class(Objective objective, const float* logits, std::uint32_t count);

// Its value, for an objective whose class is known.
double objective_value(const Objective& objective, const float* logits, std::uint32_t count);

}  // namespace fovea
