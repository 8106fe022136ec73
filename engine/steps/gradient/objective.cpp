// SPDX-License-Identifier: Apache-2.0
// Where a backward pass begins: how the objective changes with each logit, asked when the logits are there.
#include "engine/steps/objective.h"

#include <algorithm>
#include <cmath>

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

double sigmoid(double x) {
    return 1.0 / (1.0 + std::exp(-x));
}

// Softmax over the classes that are in [first, last], or over those that are not.
struct PartOfSoftmax {
    const float* logits;
    std::uint32_t count, first, last;
    bool inside;

    bool has(std::uint32_t k) const { return (k >= first && k <= last) == inside; }
    // log of the sum of exp(logit).
    double log_sum() const {
        double maximum = -HUGE_VAL, sum = 0;
        for (std::uint32_t k = 0; k < count; ++k) {
            if (has(k)) maximum = std::max<double>(maximum, logits[k]);
        }
        for (std::uint32_t k = 0; k < count; ++k) {
            if (has(k)) sum += std::exp(logits[k] - maximum);
        }
        return maximum + std::log(sum);
    }
    void add_to(float* output, double factor) const {
        const double all = log_sum();
        for (std::uint32_t k = 0; k < count; ++k) {
            if (has(k)) output[k] += static_cast<float>(factor * std::exp(logits[k] - all));
        }
    }
};

void softmax_objective(const Objective& objective, const float* logits, std::uint32_t count, float* output) {
    const std::uint32_t chosen = objective.first_class;
    const PartOfSoftmax all = {logits, count, 0, count - 1, true};
    std::fill_n(output, count, 0.0f);
    switch (objective.kind) {
        case Objective::Kind::kMargin:
            PartOfSoftmax{logits, count, chosen, objective.last_class, true}.add_to(output, 1);
            PartOfSoftmax{logits, count, chosen, objective.last_class, false}.add_to(output, -1);
            break;
        case Objective::Kind::kLoss: {
            // The one that is 1 - p is the sum of the others: at a confidence of 1 the difference would be 0.
            all.add_to(output, 1);
            double others = 0;
            for (std::uint32_t k = 0; k < count; ++k) others += k == chosen ? 0.0 : static_cast<double>(output[k]);
            output[chosen] = static_cast<float>(-others);
            break;
        }
        case Objective::Kind::kLogit:
            output[chosen] = 1.0f;
            break;
        case Objective::Kind::kProbability: {
            all.add_to(output, 1);
            const double probability = output[chosen];
            double others = 0;
            for (std::uint32_t k = 0; k < count; ++k) {
                if (k == chosen) continue;
                others += static_cast<double>(output[k]);
                output[k] = static_cast<float>(-probability * output[k]);
            }
            output[chosen] = static_cast<float>(probability * others);
            break;
        }
    }
}

// One logit that stands for `chosen` where `sign` is 1, and for its opposite where it is -1.
float sigmoid_objective(Objective::Kind kind, double logit, double sign) {
    const double probability = sigmoid(sign * logit);
    switch (kind) {
        case Objective::Kind::kMargin:
        case Objective::Kind::kLogit:
            return static_cast<float>(sign);
        case Objective::Kind::kLoss:
            return static_cast<float>(-sign * sigmoid(-sign * logit));
        case Objective::Kind::kProbability:
            return static_cast<float>(sign * probability * sigmoid(-sign * logit));
    }
    return 0.0f;
}

// The logit that speaks for the class, and 1, or -1 where it speaks against it.
struct SigmoidLogit {
    std::uint32_t place;
    double sign;
};
SigmoidLogit sigmoid_logit(const Objective& objective) {
    if (objective.form != OutputForm::kOneSigmoid) return {objective.first_class, 1};
    return {0, objective.first_class == 0 ? -1.0 : 1.0};
}

void run_objective(const Run& run, const Step& step, Range, std::uint32_t) {
    const auto* const logits = run.operand<float>(step, 0);
    auto* const output = run.output<float>(step);
    const std::uint32_t count = step.output_shape.channels;
    const Objective objective = with_class(run.input.objective, logits, count);
    if (objective.form == OutputForm::kSoftmax) {
        softmax_objective(objective, logits, count, output);
        return;
    }
    const SigmoidLogit logit = sigmoid_logit(objective);
    std::fill_n(output, count, 0.0f);
    output[logit.place] = sigmoid_objective(objective.kind, logits[logit.place], logit.sign);
}

}  // namespace

Objective with_class(Objective objective, const float* logits, std::uint32_t count) {
    const bool predicted = objective.first_class == Objective::kPredicted;
    if (objective.form == OutputForm::kOneSigmoid) {
        if (predicted) objective.first_class = logits[0] > 0.0f ? 1 : 0;
        return objective;
    }
    const auto largest = [&](std::uint32_t first, std::uint32_t last) {
        return static_cast<std::uint32_t>(std::max_element(logits + first, logits + last + 1) - logits);
    };
    if (predicted) objective.first_class = objective.last_class = largest(0, count - 1);
    // Independent probabilities have no odds of several classes together: the likeliest stands for them.
    if (objective.form == OutputForm::kSigmoids && objective.last_class > objective.first_class) {
        objective.first_class = objective.last_class = largest(objective.first_class, objective.last_class);
    }
    return objective;
}

double objective_value(const Objective& objective, const float* logits, std::uint32_t count) {
    double log_odds = 0, logit = 0;
    if (objective.form == OutputForm::kSoftmax) {
        const bool margin = objective.kind == Objective::Kind::kMargin;
        const std::uint32_t first = objective.first_class, last = margin ? objective.last_class : first;
        log_odds = PartOfSoftmax{logits, count, first, last, true}.log_sum() - PartOfSoftmax{logits, count, first, last, false}.log_sum();
        logit = logits[first];
    } else {
        const SigmoidLogit place = sigmoid_logit(objective);
        log_odds = logit = place.sign * logits[place.place];
    }
    switch (objective.kind) {
        case Objective::Kind::kMargin:
            return log_odds;
        case Objective::Kind::kLoss:
            return std::fmax(-log_odds, 0.0) + std::log1p(std::exp(-std::fabs(log_odds)));
        case Objective::Kind::kLogit:
            return logit;
        case Objective::Kind::kProbability:
            return sigmoid(log_odds);
    }
    return 0;
}

std::uint32_t emit_objective_gradient(GradientWriter& writer, std::uint32_t logits) {
    const std::uint32_t floats = writer.floats_of(logits - 1, logits);
    Step& step = writer.begin(logits - 1, writer.shape(logits));
    writer.steps().read(step, floats);
    writer.steps().use(step, "objective", run_objective);
    step.streams = false;
    writer.steps().finish(step, Unit::kWhole);
    return step.output;
}

}  // namespace fovea
