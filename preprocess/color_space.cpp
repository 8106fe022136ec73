// SPDX-License-Identifier: Apache-2.0
#include "preprocess/color_space.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr std::int64_t kOne = std::int64_t{1} << 31;  // light and base of a power, as integers
constexpr std::int64_t kFullLight = 65535;

// sRGB's primaries at D50, as ICC profiles write them in 1 / 65536, and the inverse.
constexpr double kSrgbToXyz[3][3] = {{28576 / 65536.0, 25239 / 65536.0, 9375 / 65536.0},
                                     {14581 / 65536.0, 46983 / 65536.0, 3972 / 65536.0},
                                     {912 / 65536.0, 6361 / 65536.0, 46787 / 65536.0}};
constexpr double kXyzToSrgb[3][3] = {{3.1342743064716685, -1.6172740169674227, -0.4907348029960736},
                                     {-0.9787955743252027, 1.9161615964684828, 0.03345405023031959},
                                     {0.07197855132366798, -0.2289898906034097, 1.405748368709628}};

constexpr std::uint64_t square_root(std::uint64_t value) {
    std::uint64_t root = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= value) root |= bit;
    }
    return root;
}

// 2^(1/2), 2^(1/4), 2^(1/8) ... in 1 / 2^31.
constexpr auto kRootsOfTwo = [] {
    std::array<std::uint64_t, 32> roots{};
    std::uint64_t last = std::uint64_t{2} << 31;
    for (std::uint64_t& root : roots) root = last = square_root(last << 31);
    return roots;
}();

// (base / 2^31)^(exponent / 65536) * 2^31 by the bits of the binary logarithm: pow() differs from
// one C library to the next. base >= 0, below 2^40; 0 < exponent < 2^21; at most 2^40.
std::int64_t power(std::int64_t base, std::int64_t exponent) {
    if (base <= 0) return 0;
    auto mantissa = static_cast<std::uint64_t>(base);
    std::int64_t whole = 0;
    for (; mantissa < std::uint64_t{1} << 31; mantissa <<= 1) --whole;
    for (; mantissa >= std::uint64_t{1} << 32; mantissa >>= 1) ++whole;
    std::int64_t logarithm = whole * (std::int64_t{1} << 32);
    for (int bit = 31; bit >= 0; --bit) {
        mantissa = mantissa * mantissa >> 31;
        if (mantissa < std::uint64_t{1} << 32) continue;
        mantissa >>= 1;
        logarithm += std::int64_t{1} << bit;
    }
    logarithm = logarithm * exponent >> 16;
    const std::int64_t shift = logarithm >> 32;
    std::uint64_t result = std::uint64_t{1} << 31;
    for (std::size_t i = 0; i < kRootsOfTwo.size(); ++i) {
        if (logarithm >> (31 - i) & 1) result = result * kRootsOfTwo[i] >> 31;
    }
    if (shift >= 9) return std::int64_t{1} << 40;
    if (shift < -32) return 0;
    return static_cast<std::int64_t>(shift >= 0 ? result << shift : result >> -shift);
}

std::uint16_t light_of(std::int64_t value) {
    return static_cast<std::uint16_t>(
        (std::clamp<std::int64_t>(value, 0, kOne) * kFullLight + kOne / 2) >> 31);
}

// Of a level in halves, 0 to 510 (IEC 61966-2-1).
std::int64_t srgb_light(int half_levels) {
    constexpr int kLinearHalves = 20;           // 0.04045 * 510
    constexpr std::int64_t kExponent = 157286;  // 2.4
    if (half_levels <= kLinearHalves) return half_levels * kOne * 100 / (510 * 1292);
    const std::int64_t level = half_levels * kOne / 510;
    return power((level * 1000 + 55 * kOne) / 1055, kExponent);
}

void set_srgb_curve(std::uint16_t* light) {
    for (int level = 0; level < 256; ++level) light[level] = light_of(srgb_light(2 * level));
}

// exponent in 1 / 65536.
bool set_power_curve(std::int64_t exponent, std::uint16_t* light) {
    constexpr std::int64_t kSmallest = 65536 / 16, kLargest = 65536 * 16;
    if (exponent < kSmallest || exponent > kLargest) return false;
    for (int level = 0; level < 256; ++level) {
        light[level] = light_of(power(level * kOne / 255, exponent));
    }
    return true;
}

// Whether full light is about white, and every curve leads from dark to bright: what is far from
// that describes no picture.
bool is_reasonable(const ColorSpace& space) {
    constexpr double kD50[3] = {0.9642, 1.0, 0.8249};
    constexpr double kTolerance = 0.35, kLargest = 4.0;
    for (int i = 0; i < 3; ++i) {
        double white = 0.0;
        for (int c = 0; c < 3; ++c) {
            if (!(std::fabs(space.to_xyz[i][c]) <= kLargest)) return false;
            white += space.to_xyz[i][c];
        }
        if (!(std::fabs(white - kD50[i]) <= kTolerance)) return false;
        if (space.light[i][255] - space.light[i][0] < kFullLight / 2) return false;
    }
    return true;
}

// ---- ICC profiles; section numbers are those of ICC.1:2010
// -----------------------------------------

constexpr std::uint32_t signature(const char (&name)[5]) {
    return std::uint32_t{static_cast<unsigned char>(name[0])} << 24 |
           std::uint32_t{static_cast<unsigned char>(name[1])} << 16 |
           std::uint32_t{static_cast<unsigned char>(name[2])} << 8 |
           std::uint32_t{static_cast<unsigned char>(name[3])};
}

std::int64_t fixed_at(const std::uint8_t* p) {
    return static_cast<std::int32_t>(read_u32_big_endian(p));
}

class IccReader {
  public:
    explicit IccReader(ByteSpan profile) : profile_(profile) {}

    bool read(bool is_gray, ColorSpace* space) const {
        constexpr std::size_t kHeaderSize = 128;
        if (profile_.size < kHeaderSize + 4) return false;
        const std::uint8_t* p = profile_.data;
        const std::uint32_t device = read_u32_big_endian(p + 12);
        const std::uint32_t colors = read_u32_big_endian(p + 16);
        const bool is_matrix_kind = device == signature("mntr") || device == signature("scnr") ||
                                    device == signature("spac");
        if (read_u32_big_endian(p + 36) != signature("acsp") || !is_matrix_kind ||
            read_u32_big_endian(p + 20) != signature("XYZ ") ||
            colors != (is_gray ? signature("GRAY") : signature("RGB "))) {
            return false;
        }
        // Tables go before a matrix.
        if (find(signature("A2B0")).data != nullptr) return false;
        return is_gray ? read_gray(space) : read_matrix(space);
    }

  private:
    bool read_gray(ColorSpace* space) const {
        srgb_color_space(space);
        if (!read_curve(find(signature("kTRC")), space->light[0])) return false;
        for (int c = 1; c < 3; ++c) {
            std::memcpy(space->light[c], space->light[0], sizeof(space->light[0]));
        }
        return true;
    }

    bool read_matrix(ColorSpace* space) const {
        constexpr std::uint32_t kColumns[3] = {signature("rXYZ"), signature("gXYZ"),
                                               signature("bXYZ")};
        constexpr std::uint32_t kCurves[3] = {signature("rTRC"), signature("gTRC"),
                                              signature("bTRC")};
        for (int c = 0; c < 3; ++c) {
            const ByteSpan column = find(kColumns[c]);
            if (column.size < 20 || read_u32_big_endian(column.data) != signature("XYZ ")) {
                return false;
            }
            for (int i = 0; i < 3; ++i) {
                space->to_xyz[i][c] =
                    static_cast<double>(fixed_at(column.data + 8 + 4 * i)) / 65536.0;
            }
            if (!read_curve(find(kCurves[c]), space->light[c])) return false;
        }
        return true;
    }

    // The content of a tag, or nothing.
    ByteSpan find(std::uint32_t wanted) const {
        constexpr std::size_t kTable = 132, kEntry = 12;
        const std::size_t count = read_u32_big_endian(profile_.data + kTable - 4);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = kTable + i * kEntry;
            if (at + kEntry > profile_.size) break;
            if (read_u32_big_endian(profile_.data + at) != wanted) continue;
            const std::size_t offset = read_u32_big_endian(profile_.data + at + 4);
            const std::size_t size = read_u32_big_endian(profile_.data + at + 8);
            if (offset > profile_.size || size > profile_.size - offset) break;
            return {profile_.data + offset, size};
        }
        return {};
    }

    static bool read_curve(ByteSpan tag, std::uint16_t* light) {
        if (tag.size < 12) return false;
        const std::uint32_t type = read_u32_big_endian(tag.data);
        if (type == signature("curv")) return read_sampled_curve(tag, light);
        return type == signature("para") && read_parametric_curve(tag, light);
    }

    // 10.5: none = linear, one = an exponent, more = evenly spaced samples.
    static bool read_sampled_curve(ByteSpan tag, std::uint16_t* light) {
        constexpr std::size_t kSamples = 12;
        const std::int64_t count = read_u32_big_endian(tag.data + 8);
        if (count == 0) return set_power_curve(65536, light);
        if (count > static_cast<std::int64_t>((tag.size - kSamples) / 2)) return false;
        const std::uint8_t* samples = tag.data + kSamples;
        if (count == 1)
            return set_power_curve(std::int64_t{read_u16_big_endian(samples)} << 8, light);
        for (std::int64_t level = 0; level < 256; ++level) {
            const std::int64_t position = level * (count - 1);
            const std::int64_t below = position / 255;
            const std::int64_t above = std::min(below + 1, count - 1);
            const std::int64_t part = position % 255;
            const std::int64_t sum = (255 - part) * read_u16_big_endian(samples + 2 * below) +
                                     part * read_u16_big_endian(samples + 2 * above);
            light[level] = static_cast<std::uint16_t>((sum + 127) / 255);
        }
        return true;
    }

    // 10.16.
    static bool read_parametric_curve(ByteSpan tag, std::uint16_t* light) {
        constexpr std::size_t kParameters = 12;
        constexpr std::size_t kCounts[5] = {1, 3, 4, 5, 7};
        const std::uint32_t kind = read_u16_big_endian(tag.data + 8);
        if (kind > 4 || tag.size < kParameters + 4 * kCounts[kind]) return false;
        std::int64_t p[7] = {};
        for (std::size_t i = 0; i < kCounts[kind]; ++i) {
            p[i] = fixed_at(tag.data + kParameters + 4 * i);
        }
        const std::int64_t exponent = p[0];
        if (kind == 0) return set_power_curve(exponent, light);
        const std::int64_t a = p[1], b = p[2];
        // Above the limit (a X + b)^exponent + offset, below slope X + low_offset.
        const std::int64_t offset = kind == 2 ? p[3] : kind == 4 ? p[5] : 0;
        const std::int64_t slope = kind >= 3 ? p[3] : 0;
        const std::int64_t low_offset = kind == 2 ? p[3] : kind == 4 ? p[6] : 0;
        constexpr std::int64_t kMost = 65536 * 64;
        if (exponent <= 0 || exponent > 65536 * 16) return false;
        for (const std::int64_t parameter : p) {
            if (parameter < -kMost || parameter > kMost) return false;
        }
        for (std::int64_t level = 0; level < 256; ++level) {
            const std::int64_t base = (a * level * 32768) / 255 + b * 32768;
            const bool is_above = kind >= 3 ? level * 65536 >= p[4] * 255 : base >= 0;
            const std::int64_t value = is_above
                                           ? power(base, exponent) + offset * 32768
                                           : (slope * level * 32768) / 255 + low_offset * 32768;
            light[level] = light_of(value);
        }
        return true;
    }

    ByteSpan profile_;
};

// ---- Chromaticities
// ---------------------------------------------------------------------------------

void multiply(const double (&a)[3][3], const double (&b)[3][3], double (&product)[3][3]) {
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            product[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
        }
    }
}

bool invert(const double (&m)[3][3], double (&inverse)[3][3]) {
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            const int r0 = (j + 1) % 3, r1 = (j + 2) % 3, c0 = (i + 1) % 3, c1 = (i + 2) % 3;
            inverse[i][j] = m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
        }
    }
    const double determinant =
        m[0][0] * inverse[0][0] + m[0][1] * inverse[1][0] + m[0][2] * inverse[2][0];
    if (!(std::fabs(determinant) > 1e-6)) return false;
    for (auto& row : inverse) {
        for (double& value : row) value /= determinant;
    }
    return true;
}

// Primaries that give white together, moved from that white to D50 by Bradford's matrix.
bool chromaticities_to_xyz(const std::uint32_t* c, double (&to_xyz)[3][3]) {
    constexpr double kBradford[3][3] = {
        {0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}};
    constexpr double kD50[3] = {0.9642, 1.0, 0.8249};
    double columns[4][3];  // white, red, green, blue
    for (int i = 0; i < 4; ++i) {
        const double x = c[2 * i] / 1e5, y = c[2 * i + 1] / 1e5;
        if (!(x <= 1 && y <= 1 && y >= 0.001)) return false;
        columns[i][0] = x / y;
        columns[i][1] = 1;
        columns[i][2] = (1 - x - y) / y;
    }
    double primaries[3][3], inverse[3][3];
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) primaries[i][j] = columns[j + 1][i];
    }
    if (!invert(primaries, inverse)) return false;
    for (int j = 0; j < 3; ++j) {
        const double scale = inverse[j][0] * columns[0][0] + inverse[j][1] * columns[0][1] +
                             inverse[j][2] * columns[0][2];
        for (int i = 0; i < 3; ++i) primaries[i][j] *= scale;
    }
    double cones[3][3];
    multiply(kBradford, primaries, cones);
    for (int i = 0; i < 3; ++i) {
        const double* row = kBradford[i];
        const double from =
            row[0] * columns[0][0] + row[1] * columns[0][1] + row[2] * columns[0][2];
        const double to = row[0] * kD50[0] + row[1] * kD50[1] + row[2] * kD50[2];
        if (!(std::fabs(from) > 1e-6)) return false;
        for (int j = 0; j < 3; ++j) cones[i][j] *= to / from;
    }
    if (!invert(kBradford, inverse)) return false;
    multiply(inverse, cones, to_xyz);
    return true;
}

}  // namespace

void srgb_color_space(ColorSpace* space) {
    for (std::uint16_t(&light)[256] : space->light) set_srgb_curve(light);
    std::memcpy(space->to_xyz, kSrgbToXyz, sizeof(kSrgbToXyz));
}

void adobe_rgb_color_space(ColorSpace* space) {
    constexpr std::int64_t kExponent = 563 * 256;  // 2 51/256
    constexpr double kToXyz[3][3] = {{39960 / 65536.0, 13453 / 65536.0, 9777 / 65536.0},
                                     {20389 / 65536.0, 41004 / 65536.0, 4143 / 65536.0},
                                     {1276 / 65536.0, 3989 / 65536.0, 48796 / 65536.0}};
    for (std::uint16_t(&light)[256] : space->light) set_power_curve(kExponent, light);
    std::memcpy(space->to_xyz, kToXyz, sizeof(kToXyz));
}

bool read_icc_profile(ByteSpan profile, bool is_gray, ColorSpace* space) {
    return IccReader(profile).read(is_gray, space) && is_reasonable(*space);
}

bool png_color_space(std::uint32_t gamma, const std::uint32_t* chromaticities, ColorSpace* space) {
    constexpr std::uint32_t kSrgbGamma = 45455, kTolerance = kSrgbGamma / 20;
    srgb_color_space(space);
    if (gamma != 0 && (gamma < kSrgbGamma - kTolerance || gamma > kSrgbGamma + kTolerance)) {
        if (!set_power_curve(std::int64_t{65536} * 100000 / gamma, space->light[0])) return false;
        for (int c = 1; c < 3; ++c) {
            std::memcpy(space->light[c], space->light[0], sizeof(space->light[0]));
        }
    }
    return (chromaticities == nullptr || chromaticities_to_xyz(chromaticities, space->to_xyz)) &&
           is_reasonable(*space);
}

bool SrgbConversion::prepare(const ColorSpace& source) {
    std::memcpy(light_, source.light, sizeof(light_));
    double matrix[3][3];
    multiply(kXyzToSrgb, source.to_xyz, matrix);
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
            matrix_[i][j] = static_cast<std::int32_t>(std::lrint(matrix[i][j] * 65536.0));
        }
    }
    if (!levels_.allocate(kTableBytes)) return false;
    std::size_t begin = 0;
    for (int level = 0; level < 256; ++level) {
        // Up to the light half-way to the next level.
        const std::size_t end = level < 255 ? light_of(srgb_light(2 * level + 1)) : kTableBytes;
        std::memset(levels_.data() + begin, level, end - begin);
        begin = end;
    }
    is_identity_ = true;
    for (int i = 0; i < 256; ++i) {
        const auto grey = static_cast<std::uint8_t>(i);
        if (moves(grey, grey, grey)) is_identity_ = false;
    }
    constexpr int kSteps = 8;
    for (int i = 0; i < (kSteps + 1) * (kSteps + 1) * (kSteps + 1); ++i) {
        const auto step = [&](int divisor) {
            return static_cast<std::uint8_t>(i / divisor % (kSteps + 1) * 255 / kSteps);
        };
        if (moves(step(1), step(kSteps + 1), step((kSteps + 1) * (kSteps + 1)))) {
            is_identity_ = false;
        }
    }
    return true;
}

bool SrgbConversion::moves(std::uint8_t red, std::uint8_t green, std::uint8_t blue) const {
    const std::uint8_t before[3] = {red, green, blue};
    std::uint8_t after[3] = {red, green, blue};
    convert_pixel(after);
    for (int c = 0; c < 3; ++c) {
        if (std::abs(after[c] - before[c]) > kSameLevels) return true;
    }
    return false;
}

void SrgbConversion::convert_pixel(std::uint8_t* pixel) const {
    const std::int64_t red = light_[0][pixel[0]];
    const std::int64_t green = light_[1][pixel[1]];
    const std::int64_t blue = light_[2][pixel[2]];
    for (int c = 0; c < 3; ++c) {
        const std::int32_t* row = matrix_[c];
        const std::int64_t light = (row[0] * red + row[1] * green + row[2] * blue + 32768) >> 16;
        pixel[c] =
            levels_[static_cast<std::size_t>(std::clamp<std::int64_t>(light, 0, kFullLight))];
    }
}

void SrgbConversion::convert(std::uint8_t* pixels, std::size_t count, int channels) const {
    for (std::size_t i = 0; i < count; ++i, pixels += channels) convert_pixel(pixels);
}

}  // namespace fovea::preprocess
