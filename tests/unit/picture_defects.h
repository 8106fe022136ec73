// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "synthetic_fundus.h"

// What makes of a good photo one that must not be graded. Integers and seeded noise: the same
// pixels everywhere.
namespace defects {

using synthetic::Noise;
using synthetic::Picture;

inline std::uint8_t byte(int value) {
    return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

inline int luma(const std::uint8_t* p) {
    return (77 * p[0] + 150 * p[1] + 29 * p[2] + 128) >> 8;
}

inline void paste(const Picture& part, int left, int top, Picture* picture) {
    for (int y = 0; y < part.height; ++y) {
        if (y + top < 0 || y + top >= picture->height) continue;
        for (int x = 0; x < part.width; ++x) {
            if (x + left < 0 || x + left >= picture->width) continue;
            // The lighter of both, as where two discs overlap.
            for (int c = 0; c < 3; ++c) {
                std::uint8_t& pixel = picture->at(x + left, y + top)[c];
                pixel = std::max(pixel, part.at(x, y)[c]);
            }
        }
    }
}

// gap < 0: they overlap.
inline Picture beside(const Picture& a, const Picture& b, int gap) {
    Picture picture(a.width + gap + b.width, std::max(a.height, b.height));
    paste(a, 0, (picture.height - a.height) / 2, &picture);
    paste(b, a.width + gap, (picture.height - b.height) / 2, &picture);
    return picture;
}

inline Picture stacked(const Picture& a, const Picture& b, int gap) {
    Picture picture(std::max(a.width, b.width), a.height + gap + b.height);
    paste(a, (picture.width - a.width) / 2, 0, &picture);
    paste(b, (picture.width - b.width) / 2, a.height + gap, &picture);
    return picture;
}

// How a picture is laid over another: as a sheet with its black, only what of it is lit, or the mean
// of both where both are lit.
enum class Laid { kWhole, kLit, kMean };

inline void lay(const Picture& part, int left, int top, Laid how, Picture* picture) {
    constexpr int kLit = 20;
    for (int y = 0; y < part.height; ++y) {
        if (y + top < 0 || y + top >= picture->height) continue;
        for (int x = 0; x < part.width; ++x) {
            if (x + left < 0 || x + left >= picture->width) continue;
            const std::uint8_t* p = part.at(x, y);
            std::uint8_t* q = picture->at(x + left, y + top);
            if (how != Laid::kWhole && luma(p) < kLit) continue;
            const bool both = how == Laid::kMean && luma(q) >= kLit;
            for (int c = 0; c < 3; ++c) q[c] = both ? byte((p[c] + q[c]) / 2) : p[c];
        }
    }
}

// b over a, on a ground of any kind that is large enough: beside it or below it, and over that part
// of its width or height, in per cent.
inline Picture overlapping(const Picture& a, const Picture& b, int percent, bool below, Laid how,
                           Picture ground) {
    const int left = below ? (a.width - b.width) / 2 : a.width - b.width * percent / 100;
    const int top = below ? a.height - b.height * percent / 100 : (a.height - b.height) / 2;
    lay(a, 0, 0, Laid::kLit, &ground);
    lay(b, left, top, how, &ground);
    return synthetic::cut(ground, 0, 0, std::max(a.width, left + b.width),
                          std::max(a.height, top + b.height));
}

// Of a what is left of a line through its middle, of b, brought to its size, what is right of it.
// across: from left to right of the line, of any length.
inline Picture joined(const Picture& a, const Picture& b, int across_x, int across_y) {
    Picture picture = a;
    for (int y = 0; y < a.height; ++y) {
        for (int x = 0; x < a.width; ++x) {
            const int side = (2 * x - a.width) * across_x + (2 * y - a.height) * across_y;
            if (side < 0) continue;
            std::memcpy(picture.at(x, y), b.at(x * b.width / a.width, y * b.height / a.height), 3);
        }
    }
    return picture;
}

// Without the black at the sides.
inline Picture trimmed(const Picture& source) {
    int left = source.width, right = -1, top = source.height, bottom = -1;
    for (int y = 0; y < source.height; ++y) {
        for (int x = 0; x < source.width; ++x) {
            if (luma(source.at(x, y)) < 20) continue;
            left = std::min(left, x);
            right = std::max(right, x);
            top = std::min(top, y);
            bottom = std::max(bottom, y);
        }
    }
    return right < left ? source
                        : synthetic::cut(source, left, top, right - left + 1, bottom - top + 1);
}

// Mean of n x n pixels.
inline Picture shrunk(const Picture& source, int n) {
    Picture picture(source.width / n, source.height / n);
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            for (int c = 0; c < 3; ++c) {
                int sum = 0;
                for (int k = 0; k < n * n; ++k) sum += source.at(n * x + k % n, n * y + k / n)[c];
                picture.at(x, y)[c] = byte((sum + n * n / 2) / (n * n));
            }
        }
    }
    return picture;
}

// Every pixel n x n times.
inline Picture enlarged(const Picture& source, int n) {
    Picture picture(source.width * n, source.height * n);
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            std::memcpy(picture.at(x, y), source.at(x / n, y / n), 3);
        }
    }
    return picture;
}

// The same without the steps.
inline Picture smoothly_enlarged(const Picture& source, int n) {
    return synthetic::blurred(enlarged(source, n), std::max(n / 2, 1));
}

inline Picture with_inset(const Picture& source, int n) {
    const Picture small = trimmed(shrunk(source, n));
    Picture picture(source.width + small.width, source.height);
    paste(source, 0, 0, &picture);
    paste(small, source.width, 0, &picture);
    return picture;
}

// A smaller photo within one, in a frame of `frame` pixels, in the middle or a corner.
inline Picture with_photo_within(const Picture& source, const Picture& small, bool middle,
                                 int frame, Laid how) {
    Picture framed = synthetic::flat(small.width + 2 * frame, small.height + 2 * frame, 255, 255, 0);
    lay(small, frame, frame, Laid::kWhole, &framed);
    Picture picture = source;
    lay(framed, middle ? (source.width - framed.width) / 2 : source.width - framed.width,
        middle ? (source.height - framed.height) / 2 : source.height - framed.height, how,
        &picture);
    return picture;
}

// A viewer's window: a light frame, a bar of titles and one of buttons.
inline Picture in_window(const Picture& source) {
    const int bar = source.height / 12;
    Picture picture =
        synthetic::flat(source.width + 4 * bar, source.height + 3 * bar, 225, 228, 230);
    for (int y = 0; y < source.height; ++y) {
        std::memcpy(picture.at(2 * bar, y + bar), source.at(0, y),
                    static_cast<std::size_t>(3 * source.width));
    }
    return picture;
}

// The sum of four even distributions: near enough to a normal one of that standard deviation.
inline Picture noisy(const Picture& source, double deviation) {
    Picture picture = source;
    Noise noise;
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            std::uint8_t* p = picture.at(x, y);
            const bool lit = luma(p) > 12;
            for (int c = 0; c < 3; ++c) {
                const int sum = noise.next() + noise.next() + noise.next() + noise.next() - 510;
                if (lit) p[c] = byte(p[c] + static_cast<int>(sum * deviation / 148));
            }
        }
    }
    return picture;
}

// Error diffusion (Floyd & Steinberg 1976) to `levels` levels of each channel.
inline Picture dithered(const Picture& source, int levels) {
    Picture picture = source;
    std::vector<int> errors(2 * 3 * static_cast<std::size_t>(source.width + 2));
    for (int y = 0; y < picture.height; ++y) {
        int* here = errors.data() + (y % 2) * 3 * (source.width + 2) + 3;
        int* below = errors.data() + ((y + 1) % 2) * 3 * (source.width + 2) + 3;
        std::fill(below - 3, below + 3 * (source.width + 1), 0);
        for (int i = 0; i < 3 * picture.width; ++i) {
            std::uint8_t& pixel = picture.at(0, y)[i];
            const int wanted = std::clamp(pixel + here[i] / 16, 0, 255);
            const int level = (wanted * (levels - 1) + 127) / 255;
            pixel = byte(level * 255 / (levels - 1));
            const int error = wanted - pixel;
            here[i + 3] += 7 * error;
            below[i - 3] += 3 * error;
            below[i] += 5 * error;
            below[i + 3] += error;
        }
    }
    return picture;
}

inline Picture posterised(const Picture& source, int levels) {
    Picture picture = source;
    for (std::uint8_t& value : picture.pixels) {
        value = byte(value * levels / 256 * 255 / (levels - 1));
    }
    return picture;
}

// Each channel of the result is what weights, in 256ths, make of the three.
inline Picture mixed(const Picture& source, const int (&weights)[3][3]) {
    Picture picture = source;
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
        const std::uint8_t* p = source.pixels.data() + i;
        for (std::size_t c = 0; c < 3; ++c) {
            const int(&w)[3] = weights[c];
            picture.pixels[i + c] = byte((w[0] * p[0] + w[1] * p[1] + w[2] * p[2] + 128) >> 8);
        }
    }
    return picture;
}

inline Picture grey(const Picture& source) {
    return mixed(source, {{77, 150, 29}, {77, 150, 29}, {77, 150, 29}});
}

// As an editor's slider of hue does: each pixel's largest and least value stay.
inline Picture hue_turned(const Picture& source, int degrees) {
    Picture picture = source;
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
        const std::uint8_t* p = source.pixels.data() + i;
        const int largest = std::max({p[0], p[1], p[2]}), least = std::min({p[0], p[1], p[2]});
        const int range = largest - least;
        if (range == 0) continue;
        // In 60ths of a side of the colours' hexagon.
        const int side = p[0] == largest ? 0 : p[1] == largest ? 120 : 240;
        const int off = p[0] == largest ? p[1] - p[2] : p[1] == largest ? p[2] - p[0] : p[0] - p[1];
        const int hue = (side + 60 * off / range + degrees + 360) % 360;
        const auto level = [&](int from) {
            // 1 within 60 degrees of the channel, falling to 0 at 120.
            const int away = std::abs((hue - from + 540) % 360 - 180);
            return byte(least + range * std::clamp(120 - away, 0, 60) / 60);
        };
        picture.pixels[i] = level(0);
        picture.pixels[i + 1] = level(120);
        picture.pixels[i + 2] = level(240);
    }
    return picture;
}

// Each pixel keeps its luma and takes the colour that the picture has when smoothed.
inline Picture with_blurred_colour(const Picture& source, int radius) {
    const Picture smooth = synthetic::blurred(source, radius);
    Picture picture = source;
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
        if (luma(source.pixels.data() + i) < 12) continue;
        const int more = luma(source.pixels.data() + i) - luma(smooth.pixels.data() + i);
        for (std::size_t c = 0; c < 3; ++c) picture.pixels[i + c] = byte(smooth.pixels[i + c] + more);
    }
    return picture;
}

inline Picture tinted(const Picture& source) {
    return mixed(source, {{104, 202, 39}, {69, 135, 26}, {42, 82, 16}});
}

// An unsharp mask.
inline Picture sharpened(const Picture& source, int radius, int strength) {
    const Picture smooth = synthetic::blurred(source, radius);
    Picture picture = source;
    for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
        picture.pixels[i] = byte(source.pixels[i] + strength * (source.pixels[i] - smooth.pixels[i]));
    }
    return picture;
}

// Noise that leaves the luma nearly as it is.
inline Picture with_colour_noise(const Picture& source, int deviation) {
    Picture picture = source;
    Noise noise;
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
        const int u = (noise.next() + noise.next() - 255) * deviation / 104, v = (noise.next() + noise.next() - 255) * deviation / 104;
        std::uint8_t* p = picture.pixels.data() + i;
        if (luma(p) < 12) continue;
        p[0] = byte(p[0] + 7 * v / 5);
        p[1] = byte(p[1] - (u + 2 * v) / 3);
        p[2] = byte(p[2] + 9 * u / 5);
    }
    return picture;
}

inline Picture green_as_grey(const Picture& source) {
    return mixed(source, {{0, 256, 0}, {0, 256, 0}, {0, 256, 0}});
}

inline Picture through_green_filter(const Picture& source) {
    return mixed(source, {{60, 0, 0}, {0, 256, 0}, {0, 0, 120}});
}

inline Picture red_and_blue_swapped(const Picture& source) {
    return mixed(source, {{0, 0, 256}, {0, 256, 0}, {256, 0, 0}});
}

inline Picture negative(const Picture& source) {
    Picture picture = source;
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
        if (luma(source.pixels.data() + i) < 20) continue;
        for (std::size_t c = 0; c < 3; ++c)
            picture.pixels[i + c] = byte(255 - source.pixels[i + c]);
    }
    return picture;
}

}  // namespace defects
