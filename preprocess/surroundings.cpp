// SPDX-License-Identifier: Apache-2.0
#include "preprocess/surroundings.h"

#include <algorithm>
#include <utility>

#include "preprocess/nearest_samples.h"

namespace fovea::preprocess {
namespace {

int luma(const std::uint8_t* rgb) {
    return (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8;
}

// Removes the 4-connected piece that holds `seed` from marked; its pixels are counted if it is as
// wide and as high as `thickness`.
int take_piece(std::uint8_t* marked, int width, int height, int seed, float thickness,
               std::int32_t* stack) {
    int size = 1, left = width, right = 0, top = height, bottom = 0;
    stack[0] = seed;
    marked[seed] = 0;
    for (int next = 0; next < size; ++next) {
        const int at = stack[next], x = at % width, y = at / width;
        left = std::min(left, x);
        right = std::max(right, x);
        top = std::min(top, y);
        bottom = std::max(bottom, y);
        const auto visit = [&](int neighbour) {
            if (marked[neighbour] == 0) return;
            marked[neighbour] = 0;
            stack[size++] = neighbour;
        };
        if (x > 0) visit(at - 1);
        if (x + 1 < width) visit(at + 1);
        if (y > 0) visit(at - width);
        if (y + 1 < height) visit(at + width);
    }
    const int shorter = std::min(right - left, bottom - top) + 1;
    return static_cast<float>(shorter) >= thickness ? size : 0;
}

// Pixels of neighbouring lines, compared where both are lit (1, else 0).
std::uint8_t lit_difference(std::uint8_t a, std::uint8_t b, std::uint8_t both_lit) {
    const auto difference = static_cast<std::uint8_t>(std::max(a, b) - std::min(a, b));
    return static_cast<std::uint8_t>(difference & -both_lit);
}

// What a row's pixels add to the sums of each column and the one to its left, and to their numbers.
void compare_columns(const std::uint8_t* row, const std::uint8_t* lit, int width, std::uint16_t* __restrict sums,
                     std::uint16_t* __restrict counts) {
    for (int x = 1; x < width; ++x) {
        const auto both_lit = static_cast<std::uint8_t>(lit[x] & lit[x - 1]);
        sums[x] = static_cast<std::uint16_t>(sums[x] + lit_difference(row[x], row[x - 1], both_lit));
        counts[x] = static_cast<std::uint16_t>(counts[x] + both_lit);
    }
}
constexpr int kMostRows = 256;  // within 16 bits

void compare_rows(const std::uint8_t* row, const std::uint8_t* row_above, const std::uint8_t* lit, const std::uint8_t* lit_above,
                  int width, std::uint32_t* sum, std::uint32_t* count) {
    std::uint32_t differences = 0, pairs = 0;
    for (int x = 1; x < width; ++x) {
        const auto both_lit = static_cast<std::uint8_t>(lit[x] & lit_above[x]);
        differences += lit_difference(row[x], row_above[x], both_lit);
        pairs += both_lit;
    }
    *sum = differences;
    *count = pairs;
}

// Moves the sums of some rows to where those of all have room.
void collect(std::uint16_t* part, int count, std::uint32_t* all) {
    for (int i = 0; i < count; ++i) all[i] += part[i];
    std::fill(part, part + count, std::uint16_t{0});
}

struct Span {
    int first, last;  // last < first: nothing
};

// Twice the area between the chain of row ends and its convex hull; ends[y] is the outermost x of
// row y, `sign` 1 when outer is larger. Monotone chain (Andrew 1979), rows with nothing left out.
std::int64_t twice_area_beside(const Span* rows, int height, int sign, std::int32_t* chain) {
    const auto end = [&](int y) { return sign > 0 ? rows[y].last + 1 : -rows[y].first; };
    const auto doubled = [&](int from, int to) {
        return std::int64_t{end(from) + end(to)} * (to - from);
    };
    int length = 0, previous = -1;
    std::int64_t inside = 0;
    for (int y = 0; y < height; ++y) {
        if (rows[y].last < rows[y].first) continue;
        if (previous >= 0) inside += doubled(previous, y);
        previous = y;
        while (length >= 2) {
            const int a = chain[length - 2], b = chain[length - 1];
            const std::int64_t turn =
                std::int64_t{end(b) - end(a)} * (y - a) - std::int64_t{end(y) - end(a)} * (b - a);
            if (turn > 0) break;
            --length;
        }
        chain[length++] = y;
    }
    std::int64_t hull = 0;
    for (int i = 1; i < length; ++i) hull += doubled(chain[i - 1], chain[i]);
    return hull - inside;
}

}  // namespace

Status measure_surroundings(const ImageView& picture, const Disc& disc,
                            const std::uint8_t* component, const Allocator& allocator,
                            Surroundings* surroundings) {
    *surroundings = Surroundings{};
    const int width = picture.width, height = picture.height;
    const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    Buffer<std::uint8_t> outside(allocator);
    Buffer<std::int32_t> stack(allocator);
    Buffer<Span> rows(allocator), columns(allocator);
    Buffer<float> squares(allocator);  // of the columns' distances from the disc's centre
    if (!squares.allocate(static_cast<std::size_t>(width)) || !outside.allocate(count) || !stack.allocate(count) ||
        !rows.allocate(static_cast<std::size_t>(height)) ||
        !columns.allocate(static_cast<std::size_t>(width))) {
        return Status::kOutOfMemory;
    }
    for (Span& row : rows) row = {width, -1};
    for (Span& column : columns) column = {height, -1};
    // Lit is what the disc's darkest lit pixel is.
    int darkest = 255;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            if (component[std::ptrdiff_t{y} * width + x] == 0) continue;
            darkest = std::min(darkest, luma(picture.row(y) + 3 * x));
            Span& row = rows[static_cast<std::size_t>(y)];
            Span& column = columns[static_cast<std::size_t>(x)];
            row = {std::min(row.first, x), std::max(row.last, x)};
            column = {std::min(column.first, y), std::max(column.last, y)};
        }
    }

    for (int x = 0; x < width; ++x) {
        const float u = (static_cast<float>(x) - disc.center_x) / disc.radius_x;
        squares[static_cast<std::size_t>(x)] = u * u;
    }
    std::int64_t inside = 0, lit = 0, area = 0;
    for (int y = 0; y < height; ++y) {
        const float v = (static_cast<float>(y) - disc.center_y) / disc.radius_y, v_square = v * v;
        const std::uint8_t* pixel = picture.row(y);
        std::uint8_t* marks = outside.data() + std::ptrdiff_t{y} * width;
        int inside_row = 0;
        for (int x = 0; x < width; ++x) inside_row += squares[static_cast<std::size_t>(x)] + v_square <= 1.0f;
        inside += inside_row;
        for (int x = 0; x < width; ++x, pixel += 3) {
            marks[x] = squares[static_cast<std::size_t>(x)] + v_square > 1.06f * 1.06f && luma(pixel) >= darkest;
            lit += marks[x];
        }
        const Span row = rows[static_cast<std::size_t>(y)];
        for (int x = row.first; x <= row.last; ++x) {
            const Span column = columns[static_cast<std::size_t>(x)];
            area += y >= column.first && y <= column.last;
        }
    }
    int other = 0;
    const float thickness = 0.2f * std::min(disc.radius_x, disc.radius_y);
    for (std::size_t seed = 0; seed < count; ++seed) {
        if (outside[seed] == 0) continue;
        other = std::max(other, take_piece(outside.data(), width, height, static_cast<int>(seed),
                                           thickness, stack.data()));
    }
    if (inside > 0) {
        surroundings->lit = static_cast<float>(lit) / static_cast<float>(inside);
        surroundings->other = static_cast<float>(other) / static_cast<float>(inside);
    }

    // The rows' ends alone would fill notches above and below with what lies beside them.
    std::int64_t between = 0;
    for (const Span& row : rows) between += std::max(row.last - row.first + 1, 0);
    const std::int64_t beside = (twice_area_beside(rows.data(), height, 1, stack.data()) +
                                 twice_area_beside(rows.data(), height, -1, stack.data())) /
                                2;
    const std::int64_t hull = between + beside;
    if (hull > 0) {
        surroundings->concavity = static_cast<float>(hull - area) / static_cast<float>(hull);
    }
    return Status::kOk;
}

Status measure_straight_edges(const std::uint8_t* pixels, int width, int height,
                              const std::uint8_t* lit, int lit_width, int lit_height,
                              const Allocator& allocator, StraightEdges* edges) {
    *edges = StraightEdges{};
    const std::size_t lines = static_cast<std::size_t>(width) + static_cast<std::size_t>(height);
    const auto columns = static_cast<std::size_t>(width);
    Buffer<std::uint32_t> sums(allocator), counts(allocator);
    Buffer<float> means(allocator);
    Buffer<std::uint8_t> lit_rows(allocator);  // this row's and the one's above
    Buffer<std::uint16_t> parts(allocator);    // sums and numbers of some rows' columns
    if (!sums.allocate(lines) || !counts.allocate(lines) || !means.allocate(lines) ||
        !lit_rows.allocate(2 * columns) || !parts.allocate(2 * columns)) {
        return Status::kOutOfMemory;
    }
    std::fill(sums.begin(), sums.end(), 0u);
    std::fill(counts.begin(), counts.end(), 0u);
    std::fill(parts.begin(), parts.end(), std::uint16_t{0});
    std::uint16_t *part_sums = parts.data(), *part_counts = part_sums + columns;
    std::uint8_t *here = lit_rows.data(), *above = here + columns;
    for (int y = 0; y < height; ++y) {
        std::swap(here, above);
        const std::uint8_t* lit_row = lit + std::ptrdiff_t{y * lit_height / height} * lit_width;
        take_nearest(lit_row, lit_width, width, 0, width, here);
        if (y == 0) continue;
        const std::uint8_t* row = pixels + std::ptrdiff_t{y} * width;
        const std::size_t line = columns + static_cast<std::size_t>(y);
        compare_columns(row, here, width, part_sums, part_counts);
        compare_rows(row, row - width, here, above, width, &sums[line], &counts[line]);
        if (y % kMostRows == 0 || y + 1 == height) {
            collect(part_sums, width, sums.data());
            collect(part_counts, width, counts.data());
        }
    }

    const auto summarise = [&](int first, int count, int across) {
        constexpr int kReach = 8, kGap = 2, kFewest = 8;
        float* mean = means.data() + first;
        for (int i = 0; i < count; ++i) {
            // A line that is lit over less than a quarter of the picture says too little.
            const std::uint32_t pairs = counts[static_cast<std::size_t>(first + i)];
            mean[i] = 4 * std::uint64_t{pairs} > static_cast<std::uint64_t>(across)
                          ? static_cast<float>(sums[static_cast<std::size_t>(first + i)]) /
                                static_cast<float>(pairs)
                          : -1.0f;
        }
        double strongest_sum = 0, median_sum = 0;
        int measured = 0;
        for (int i = kReach; i + kReach < count; ++i) {
            if (mean[i] < 0) continue;
            float near[2 * kReach], strongest = 0;
            int found = 0;
            for (int k = -kReach; k <= kReach; ++k) {
                if (mean[i + k] < 0) continue;
                strongest = std::max(strongest, mean[i + k]);
                if (k < -kGap || k > kGap) near[found++] = mean[i + k];
            }
            if (found < kFewest) continue;
            std::nth_element(near, near + found / 2, near + found);
            edges->seam = std::max(edges->seam, mean[i] / (near[found / 2] + 0.5f));
            strongest_sum += strongest;
            median_sum += near[found / 2];
            ++measured;
        }
        if (measured > 0) {
            edges->blocks = std::max(
                edges->blocks, static_cast<float>(strongest_sum / (median_sum + 0.25 * measured)));
        }
    };
    summarise(0, width, height);
    summarise(width, height, width);
    return Status::kOk;
}

}  // namespace fovea::preprocess
