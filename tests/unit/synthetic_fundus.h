// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "preprocess/image.h"

// Pictures for tests of what looks at photographs: drawn, so that no data set is needed.
namespace synthetic {

struct Picture {
    int width, height;
    std::vector<std::uint8_t> pixels;  // RGB8, packed

    Picture(int w, int h) : width(w), height(h), pixels(3u * static_cast<unsigned>(w * h)) {}
    std::uint8_t* at(int x, int y) { return pixels.data() + 3 * (y * width + x); }
    const std::uint8_t* at(int x, int y) const { return pixels.data() + 3 * (y * width + x); }
    fovea::preprocess::ImageView view() const {
        return {pixels.data(), width, height, std::ptrdiff_t{3} * width};
    }
};

inline Picture flat(int width, int height, int red, int green, int blue) {
    Picture picture(width, height);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            std::uint8_t* p = picture.at(x, y);
            p[0] = static_cast<std::uint8_t>(red);
            p[1] = static_cast<std::uint8_t>(green);
            p[2] = static_cast<std::uint8_t>(blue);
        }
    }
    return picture;
}

// The same sequence everywhere, 0..255.
struct Noise {
    std::uint32_t state = 1;
    int next() {
        state = state * 1664525u + 1013904223u;
        return static_cast<int>(state >> 24);
    }
};

struct FundusOptions {
    int width = 640, height = 480;
    double center_x = 320, center_y = 240, radius_x = 225, radius_y = 225;
    bool structure = true;  // vessels, optic disc, macula; without: an orange disc
};

// An orange disc on black with an optic disc, a macula and vessels that branch from the optic disc.
inline Picture fundus(const FundusOptions& o = {}) {
    Picture picture(o.width, o.height);
    Noise noise;
    for (int y = 0; y < o.height; ++y) {
        for (int x = 0; x < o.width; ++x) {
            const double u = (x - o.center_x) / o.radius_x, v = (y - o.center_y) / o.radius_y;
            const double distance = u * u + v * v;
            std::uint8_t* p = picture.at(x, y);
            if (distance > 1) {
                p[0] = p[1] = p[2] = static_cast<std::uint8_t>(noise.next() >> 7);
                continue;
            }
            double light = 1.05 - 0.3 * distance, green = 82;
            if (o.structure) {
                const auto spot = [&](double su, double sv, double size) {
                    return std::exp(-((u - su) * (u - su) + (v - sv) * (v - sv)) / (size * size));
                };
                green += 80 * spot(0.55, 0.02, 0.11) - 22 * spot(-0.15, 0.05, 0.17);
                // Arcs from the optic disc round the macula, thinner with every branch.
                for (int k = 0; k < 7; ++k) {
                    const double bend = 0.2 + 0.13 * k, t = 0.55 - u;
                    const double arc = bend * std::sqrt(std::max(t, 0.0)) * (1 - 0.25 * t);
                    const double width = 0.02 - 0.0018 * k;
                    for (const double side : {-1.0, 1.0}) {
                        const double off = (v - side * arc) / width;
                        if (t > 0 && std::fabs(off) < 4) green -= 30 * std::exp(-off * off);
                    }
                }
            }
            const double grain = (noise.next() - 128) / 42.0;
            const auto level = [&](double value) {
                return static_cast<std::uint8_t>(std::clamp(value * light + grain, 0.0, 255.0));
            };
            p[0] = level(150 + (green - 82) * 0.5);
            p[1] = level(green);
            p[2] = level(22 + (green - 82) * 0.1);
        }
    }
    return picture;
}

// Every channel times gain plus offset where the picture is not black.
inline Picture relit(const Picture& source, double gain, double offset) {
    Picture picture = source;
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            std::uint8_t* p = picture.at(x, y);
            const double add = p[0] > 16 ? offset : 0;
            for (int c = 0; c < 3; ++c) {
                p[c] = static_cast<std::uint8_t>(std::clamp(p[c] * gain + add, 0.0, 255.0));
            }
        }
    }
    return picture;
}

// Three box filters in each direction, about a Gaussian with sigma = radius.
inline Picture blurred(const Picture& source, int radius) {
    Picture picture = source;
    for (int pass = 0; pass < 6; ++pass) {
        const Picture before = picture;
        const bool along_rows = pass % 2 == 0;
        const int lines = along_rows ? picture.height : picture.width;
        const int length = along_rows ? picture.width : picture.height;
        for (int line = 0; line < lines; ++line) {
            const auto offset = [&](int i) {
                const int at = std::clamp(i, 0, length - 1);
                return 3 * (along_rows ? line * picture.width + at : at * picture.width + line);
            };
            for (int c = 0; c < 3; ++c) {
                const auto value = [&](int i) { return before.pixels[size_t(offset(i) + c)]; };
                int sum = 0;
                for (int k = -radius; k <= radius; ++k) sum += value(k);
                for (int i = 0; i < length; ++i) {
                    picture.pixels[size_t(offset(i) + c)] =
                        static_cast<std::uint8_t>((sum + radius) / (2 * radius + 1));
                    sum += value(i + radius + 1) - value(i - radius);
                }
            }
        }
    }
    return picture;
}

inline Picture cut(const Picture& source, int left, int top, int width, int height) {
    Picture picture(width, height);
    for (int y = 0; y < height; ++y) {
        std::copy_n(source.at(left, top + y), 3 * width, picture.at(0, y));
    }
    return picture;
}

}  // namespace synthetic
