// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/naive_network.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace naive_network {
namespace {

using namespace model_builder;

Value make(std::size_t height, std::size_t width, std::size_t channels) {
    return {height, width, channels, std::vector<double>(height * width * channels, 0.0)};
}

double activate(std::uint32_t kind, double parameter, double x) {
    const auto relu6 = [](double v) { return std::min(std::max(v, 0.0), 6.0); };
    switch (kind) {
        case kLinear:
            return x;
        case kRelu:
            return std::max(x, 0.0);
        case kRelu6:
            return relu6(x);
        case kHardSigmoid:
            return relu6(x + 3) / 6;
        case kHardSwish:
            return x * relu6(x + 3) / 6;
        case kSigmoid:
            return 1 / (1 + std::exp(-x));
        case kHardSigmoidKeras2:
            return std::clamp(0.2 * x + 0.5, 0.0, 1.0);
        case kSwish:
            return x / (1 + std::exp(-x));
        case kTanh:
            return std::tanh(x);
        case kLeakyRelu:
            return x < 0 ? parameter * x : x;
        case kElu:
            return x < 0 ? parameter * (std::exp(x) - 1) : x;
        case kGelu:
            return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
        case kSoftplus:
            return x > 30 ? x : std::log1p(std::exp(x));
    }
    return std::numeric_limits<double>::quiet_NaN();
}

// Where windows lie along one side.
struct Side {
    std::ptrdiff_t before, outputs;
};

Side side(std::size_t n, std::size_t kernel, std::size_t stride, std::size_t dilation, bool same,
          std::size_t before, std::size_t after) {
    const auto size = static_cast<std::ptrdiff_t>(n);
    const auto extent = static_cast<std::ptrdiff_t>((kernel - 1) * dilation + 1);
    const auto step = static_cast<std::ptrdiff_t>(stride);
    if (same) {
        const std::ptrdiff_t outputs = (size + step - 1) / step;
        const std::ptrdiff_t total =
            std::max<std::ptrdiff_t>((outputs - 1) * step + extent - size, 0);
        return {total / 2, outputs};
    }
    const auto padded = size + static_cast<std::ptrdiff_t>(before + after);
    return {static_cast<std::ptrdiff_t>(before), (padded - extent) / step + 1};
}

// Calls visit(output y, output x, kernel y, kernel x, input y, input x, inside) for every tap.
template <typename Visit>
void each_tap(const NodeSpec& node, const Value& in, Side rows, Side columns, const Visit& visit) {
    const std::ptrdiff_t dilation_y = std::max(node.dilation_y, 1u);
    const std::ptrdiff_t dilation_x = std::max(node.dilation_x, 1u);
    for (std::ptrdiff_t y = 0; y < rows.outputs; ++y) {
        for (std::ptrdiff_t x = 0; x < columns.outputs; ++x) {
            for (std::ptrdiff_t a = 0; a < node.kernel_height; ++a) {
                for (std::ptrdiff_t b = 0; b < node.kernel_width; ++b) {
                    const std::ptrdiff_t iy = y * node.stride_y + a * dilation_y - rows.before;
                    const std::ptrdiff_t ix = x * node.stride_x + b * dilation_x - columns.before;
                    const bool inside = iy >= 0 && ix >= 0 &&
                                        iy < static_cast<std::ptrdiff_t>(in.height) &&
                                        ix < static_cast<std::ptrdiff_t>(in.width);
                    visit(y, x, a, b, iy, ix, inside);
                }
            }
        }
    }
}

Value windowed(const NodeSpec& node, const Value& in) {
    const Side rows = side(in.height, node.kernel_height, node.stride_y,
                           std::max(node.dilation_y, 1u), node.same_padding, node.top, node.bottom);
    const Side columns =
        side(in.width, node.kernel_width, node.stride_x, std::max(node.dilation_x, 1u),
             node.same_padding, node.left, node.right);
    const std::size_t channels = node.kind == kPool ? in.channels : node.output_channels;
    Value out = make(static_cast<std::size_t>(rows.outputs),
                     static_cast<std::size_t>(columns.outputs), channels);
    if (node.kind == kPool) {
        Value counts = out;
        if (node.variant == 1) {
            std::fill(out.data.begin(), out.data.end(), -std::numeric_limits<double>::infinity());
        }
        each_tap(node, in, rows, columns,
                 [&](auto y, auto x, auto, auto, auto iy, auto ix, bool in_side) {
                     for (std::size_t c = 0; c < channels; ++c) {
                         if (in_side && node.variant == 1) {
                             out.at(y, x, c) = std::max(out.at(y, x, c), in.at(iy, ix, c));
                         } else if (in_side) {
                             out.at(y, x, c) += in.at(iy, ix, c);
                         }
                         if (in_side || node.variant == 2) counts.at(y, x, c) += 1;
                     }
                 });
        if (node.variant != 1) {
            for (std::size_t i = 0; i < out.data.size(); ++i) {
                out.data[i] = counts.data[i] > 0 ? out.data[i] / counts.data[i] : 0;
            }
        }
        return out;
    }
    for (std::size_t i = 0; i < out.data.size(); ++i) {
        if (!node.bias.empty()) out.data[i] = node.bias[i % channels];
    }
    const std::size_t groups = node.kind == kDepthwise ? channels : node.groups;
    const std::size_t in_group = in.channels / groups, out_group = channels / groups;
    each_tap(node, in, rows, columns,
             [&](auto y, auto x, auto a, auto b, auto iy, auto ix, bool in_side) {
                 if (!in_side) return;
                 const std::size_t tap = static_cast<std::size_t>(a * node.kernel_width + b);
                 for (std::size_t o = 0; o < channels; ++o) {
                     for (std::size_t i = 0; i < in_group; ++i) {
                         out.at(y, x, o) +=
                             in.at(iy, ix, o / out_group * in_group + i) *
                             static_cast<double>(node.weights[(tap * in_group + i) * channels + o]);
                     }
                 }
             });
    return out;
}

Value binary(const NodeSpec& node, const Value& left, const Value& right) {
    Value out = left;
    for (std::size_t y = 0; y < out.height; ++y) {
        for (std::size_t x = 0; x < out.width; ++x) {
            for (std::size_t c = 0; c < out.channels; ++c) {
                const double r = right.at(right.height == 1 && right.width == 1 ? 0 : y,
                                          right.height == 1 && right.width == 1 ? 0 : x,
                                          right.channels == 1 ? 0 : c);
                double& v = out.at(y, x, c);
                v = node.kind == kAdd ? v + r : v * r;
            }
        }
    }
    return out;
}

Value evaluate(const NodeSpec& node, const std::vector<Value>& values) {
    const Value& in = values[node.inputs[0]];
    switch (node.kind) {
        case kConvolution:
        case kDepthwise:
        case kPool:
            return windowed(node, in);
        case kDense: {
            Value out = make(1, 1, node.output_channels);
            for (std::size_t o = 0; o < out.channels; ++o) {
                if (!node.bias.empty()) out.data[o] = node.bias[o];
                for (std::size_t i = 0; i < in.channels; ++i) {
                    out.data[o] += in.data[i] * node.weights[i * out.channels + o];
                }
            }
            return out;
        }
        case kGlobalPool: {
            Value out = make(1, 1, in.channels);
            for (std::size_t c = 0; c < in.channels; ++c) {
                double sum = 0, maximum = -std::numeric_limits<double>::infinity();
                for (std::size_t p = 0; p < in.height * in.width; ++p) {
                    sum += in.data[p * in.channels + c];
                    maximum = std::max(maximum, in.data[p * in.channels + c]);
                }
                out.data[c] =
                    node.variant == 1 ? maximum : sum / static_cast<double>(in.height * in.width);
            }
            return out;
        }
        case kChannelReduce: {
            Value out = make(in.height, in.width, 1);
            for (std::size_t p = 0; p < out.data.size(); ++p) {
                const auto begin = in.data.begin() + static_cast<std::ptrdiff_t>(p * in.channels);
                double sum = 0;
                for (std::size_t c = 0; c < in.channels; ++c)
                    sum += begin[static_cast<std::ptrdiff_t>(c)];
                out.data[p] =
                    node.variant == 1
                        ? *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(in.channels))
                        : sum / static_cast<double>(in.channels);
            }
            return out;
        }
        case kConcat: {
            std::size_t channels = 0;
            for (const std::uint32_t v : node.inputs) channels += values[v].channels;
            Value out = make(in.height, in.width, channels);
            for (std::size_t y = 0; y < out.height; ++y) {
                for (std::size_t x = 0; x < out.width; ++x) {
                    std::size_t at = 0;
                    for (const std::uint32_t v : node.inputs) {
                        for (std::size_t c = 0; c < values[v].channels; ++c) {
                            out.at(y, x, at++) = values[v].at(y, x, c);
                        }
                    }
                }
            }
            return out;
        }
        case kAdd:
        case kMultiply:
            return binary(node, in, values[node.inputs[1]]);
        case kAffine: {
            Value out = in;
            for (std::size_t i = 0; i < out.data.size(); ++i) {
                const std::size_t c = i % out.channels;
                out.data[i] = out.data[i] * node.weights[c] + node.bias[c];
            }
            return out;
        }
        case kActivation:
            return in;
        case kSoftmax: {
            Value out = in;
            const double maximum = *std::max_element(in.data.begin(), in.data.end());
            double sum = 0;
            for (double& v : out.data) sum += v = std::exp(v - maximum);
            for (double& v : out.data) v /= sum;
            return out;
        }
        case kLrn: {
            Value out = in;
            const auto radius = static_cast<std::size_t>(node.variant);
            for (std::size_t p = 0; p < in.height * in.width; ++p) {
                for (std::size_t c = 0; c < in.channels; ++c) {
                    double sum = 0;
                    for (std::size_t k = c < radius ? 0 : c - radius; k < std::min(in.channels, c + radius + 1); ++k) {
                        sum += in.data[p * in.channels + k] * in.data[p * in.channels + k];
                    }
                    const double base = static_cast<double>(node.weights[0]) + static_cast<double>(node.weights[1]) * sum;
                    out.data[p * in.channels + c] /= std::pow(base, static_cast<double>(node.weights[2]));
                }
            }
            return out;
        }
        case kReshape:
            return {1, 1, in.data.size(), in.data};
        case kPad: {
            Value out = make(in.height + node.top + node.bottom, in.width + node.left + node.right,
                             in.channels);
            for (std::size_t y = 0; y < in.height; ++y) {
                for (std::size_t x = 0; x < in.width; ++x) {
                    for (std::size_t c = 0; c < in.channels; ++c) {
                        out.at(y + node.top, x + node.left, c) = in.at(y, x, c);
                    }
                }
            }
            return out;
        }
    }
    return {};
}

}  // namespace

Value run_node(const NodeSpec& node, const std::vector<Value>& values) {
    Value out = evaluate(node, values);
    for (double& v : out.data) v = activate(node.activation, node.parameter, v);
    return out;
}

std::vector<Value> run(const ModelSpec& spec, const Value& input) {
    std::vector<Value> values = {input};
    for (const NodeSpec& node : spec.nodes) values.push_back(run_node(node, values));
    return values;
}

}  // namespace naive_network
