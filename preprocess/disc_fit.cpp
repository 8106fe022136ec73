// SPDX-License-Identifier: Apache-2.0
#include "preprocess/disc_fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace fovea::preprocess {
namespace {

constexpr int kMaxSide = 1024;
constexpr int kMinEdgePoints = 24;
constexpr float kMinVisibleArc = 0.04f;  // 14 degrees of the edge, seen at the frame's corners

// ITU-R BT.601 luma in 8-bit fixed point.
std::uint8_t luma(const std::uint8_t* rgb) {
    return static_cast<std::uint8_t>((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
}

struct Range {
    int black, bright;
};

// The corners of a fundus photo lie outside the disc: they say how bright its black is. The second
// darkest of the four, since a caption may fill one corner and a wide disc reach another two.
Range grey_range(const std::uint8_t* grey, int width, int height) {
    std::uint32_t histogram[256] = {};
    const int count = width * height;
    for (int i = 0; i < count; ++i) ++histogram[grey[i]];
    int bright = 255;
    for (std::uint32_t above = 0; bright > 0; --bright) {
        above += histogram[bright];
        if (above * 20 >= static_cast<std::uint32_t>(count)) break;
    }

    const int side = std::max(1, std::min(width, height) * 6 / 100);
    int corner[4];
    for (int c = 0; c < 4; ++c) {
        const int x0 = (c & 1) != 0 ? width - side : 0, y0 = (c & 2) != 0 ? height - side : 0;
        int sum = 0;
        for (int y = 0; y < side; ++y) {
            for (int x = 0; x < side; ++x) sum += grey[(y0 + y) * width + x0 + x];
        }
        corner[c] = sum / (side * side);
    }
    std::nth_element(corner, corner + 1, corner + 4);
    // In a frame that is lit up to its corners the threshold stays well below the picture's
    // brightness.
    return {std::min(corner[1], bright * 2 / 5), bright};
}

// Neighbours in a row above the threshold.
struct Run {
    std::uint16_t begin, end;
    std::int32_t parent;  // a run of the same component that comes before it, or itself
    std::int32_t size;    // of the component, in its first run
};

std::int32_t find_first(Run* runs, std::int32_t run) {
    while (runs[run].parent != run) {
        runs[run].parent = runs[runs[run].parent].parent;
        run = runs[run].parent;
    }
    return run;
}

void join(Run* runs, std::int32_t a, std::int32_t b) {
    a = find_first(runs, a);
    b = find_first(runs, b);
    if (a == b) return;
    if (b < a) std::swap(a, b);
    runs[b].parent = a;
    runs[a].size += runs[b].size;
}

// Marks the largest 4-connected set of pixels above the threshold, of equals the first; false when none is. row_ends, a number for
// each row, and runs, one for every other pixel of each row, are room for what lies between.
bool largest_component(const std::uint8_t* grey, int width, int height, int threshold,
                       std::int32_t* row_ends, Run* runs, std::uint8_t* component) {
    std::int32_t count = 0, above = 0;  // the first run of the row above
    for (int y = 0; y < height; ++y) {
        const std::uint8_t* row = grey + std::ptrdiff_t{y} * width;
        const std::int32_t here = count;
        std::int32_t other = above;
        for (int x = 0; x < width; ++x) {
            if (row[x] <= threshold) continue;
            const int begin = x;
            while (x < width && row[x] > threshold) ++x;
            const std::int32_t run = count++;
            runs[run] = {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(x), run, x - begin};
            while (other < here && runs[other].end <= begin) ++other;
            // The last one that touches may touch the next run, too.
            for (std::int32_t i = other; i < here && runs[i].begin < x; ++i) join(runs, i, run);
        }
        row_ends[y] = count;
        above = here;
    }
    // A component of fewer pixels than this can never be a disc.
    std::int32_t best = -1, best_size = std::max(16, width * height / 1000) - 1;
    for (std::int32_t run = 0; run < count; ++run) {
        if (runs[run].parent != run || runs[run].size <= best_size) continue;
        best = run;
        best_size = runs[run].size;
    }
    std::memset(component, 0, static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    std::int32_t run = 0;
    for (int y = 0; y < height; ++y) {
        for (; run < row_ends[y]; ++run) {
            if (find_first(runs, run) != best) continue;
            std::memset(component + std::ptrdiff_t{y} * width + runs[run].begin, 1,
                        static_cast<std::size_t>(runs[run].end - runs[run].begin));
        }
    }
    return best >= 0;
}

struct Point {
    float x, y;
};

// A pixel at the frame is where the picture ends, not where the disc does. Neither is its
// neighbour: JPEG ringing darkens rows at the frame now and then.
int edge_points(const std::uint8_t* component, int width, int height, Point* points) {
    int count = 0;
    const auto add = [&](int x, int y) {
        if (x > 1 && y > 1 && x < width - 2 && y < height - 2) {
            points[count++] = {static_cast<float>(x), static_cast<float>(y)};
        }
    };
    for (int y = 0; y < height; ++y) {
        const std::uint8_t* row = component + static_cast<std::ptrdiff_t>(y) * width;
        const auto* first =
            static_cast<const std::uint8_t*>(std::memchr(row, 1, static_cast<std::size_t>(width)));
        if (first == nullptr) continue;
        int last = width - 1;
        while (row[last] == 0) --last;
        add(static_cast<int>(first - row), y);
        add(last, y);
    }
    for (int x = 0; x < width; ++x) {
        int first = 0, last = height - 1;
        while (first < height && component[first * width + x] == 0) ++first;
        if (first == height) continue;
        while (component[last * width + x] == 0) --last;
        add(x, first);
        add(x, last);
    }
    return count;
}

// Solves the symmetric system a x = b of n <= 4 unknowns in place; false when it is singular.
bool solve(double (&a)[4][5], int n, double* x) {
    for (int k = 0; k < n; ++k) {
        int pivot = k;
        for (int i = k + 1; i < n; ++i) {
            if (std::fabs(a[i][k]) > std::fabs(a[pivot][k])) pivot = i;
        }
        // The rows are sums over points scaled to about unit size, divided by their number.
        if (std::fabs(a[pivot][k]) < 1e-9) return false;
        for (int j = 0; j <= n; ++j) std::swap(a[k][j], a[pivot][j]);
        for (int i = k + 1; i < n; ++i) {
            const double factor = a[i][k] / a[k][k];
            for (int j = k; j <= n; ++j) a[i][j] -= factor * a[k][j];
        }
    }
    for (int k = n - 1; k >= 0; --k) {
        double value = a[k][n];
        for (int j = k + 1; j < n; ++j) value -= a[k][j] * x[j];
        x[k] = value / a[k][k];
    }
    return true;
}

struct Conic {
    double center_x, center_y, radius_x, radius_y;
    double residual;  // mean |distance| / radius over all points
};

// x^2 + p y^2 + q x + r y + s = 0 with p = 1 (circle) or free (ellipse with upright axes), solved
// for p, q, r, s by least squares on coordinates scaled round their mean.
bool fit_conic(const Point* points, int count, bool ellipse, float* distances, float* sorted,
               Conic* conic) {
    double mean_x = 0, mean_y = 0, spread = 0;
    for (int i = 0; i < count; ++i) {
        mean_x += points[i].x;
        mean_y += points[i].y;
    }
    mean_x /= count;
    mean_y /= count;
    for (int i = 0; i < count; ++i) {
        spread += (points[i].x - mean_x) * (points[i].x - mean_x) +
                  (points[i].y - mean_y) * (points[i].y - mean_y);
    }
    const double scale = std::sqrt(spread / count);
    if (scale < 1) return false;

    double largest_distance = 0;  // 0: every point counts
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; ++round) {
        double a[4][5] = {};
        const int n = ellipse ? 4 : 3;
        for (int i = 0; i < count; ++i) {
            if (round > 0 && distances[i] > largest_distance) continue;
            const double x = (points[i].x - mean_x) / scale, y = (points[i].y - mean_y) / scale;
            const double row[4] = {x, y, 1, y * y};
            const double right = ellipse ? -(x * x) : -(x * x + y * y);
            for (int j = 0; j < n; ++j) {
                for (int k = 0; k < n; ++k) a[j][k] += row[j] * row[k] / count;
                a[j][n] += row[j] * right / count;
            }
        }
        double p[4];
        if (!solve(a, n, p)) return false;
        const double squeeze = ellipse ? p[3] : 1;  // (radius_x / radius_y)^2
        // A frame squeezed by more than 1 : 3 is not a frame of any camera.
        if (!(squeeze > 1.0 / 9 && squeeze < 9)) return false;
        const double x0 = -p[0] / 2, y0 = -p[1] / (2 * squeeze);
        const double square = x0 * x0 + squeeze * y0 * y0 - p[2];
        if (!(square > 0)) return false;
        const double radius = std::sqrt(square);
        double sum = 0;
        for (int i = 0; i < count; ++i) {
            const double x = (points[i].x - mean_x) / scale - x0;
            const double y = (points[i].y - mean_y) / scale - y0;
            distances[i] =
                static_cast<float>(std::fabs(std::sqrt(x * x + squeeze * y * y) - radius));
            sum += distances[i];
        }
        std::copy(distances, distances + count, sorted);
        std::nth_element(sorted, sorted + count / 2, sorted + count);
        largest_distance = std::max(3.0 * sorted[count / 2], 1e-3 * radius);
        *conic = {x0 * scale + mean_x, y0 * scale + mean_y, radius * scale,
                  radius * scale / std::sqrt(squeeze), sum / count / radius};
    }
    return true;
}

// distances: room for two times `capacity`.
bool fit_disc_edge(const Point* points, int count, float* distances, std::size_t capacity,
                   Conic* best) {
    float* sorted = distances + capacity;
    Conic ellipse{};
    const bool have_circle = fit_conic(points, count, false, distances, sorted, best);
    if (have_circle && best->residual <= 0.01) return true;
    // A partial arc leaves an ellipse too much freedom: it must be far better than the circle.
    if (fit_conic(points, count, true, distances, sorted, &ellipse) &&
        (!have_circle || ellipse.residual < 0.5 * best->residual)) {
        *best = ellipse;
        return true;
    }
    return have_circle;
}

// A degree of the fitted edge is seen where an edge point lies within 3 % of the radius of it.
float seen_share_of_edge(const Conic& conic, const Point* points, int count, int width,
                         int height) {
    // Rotation by one degree; a C library's own sines may differ in the last bit between machines.
    constexpr double kCosine = 0.99984769515639127, kSine = 0.017452406437283512;
    constexpr int kDegrees = 360;
    const double near = 0.03 * std::max(conic.radius_x, conic.radius_y);
    double cosine = 1, sine = 0;
    int seen = 0;
    for (int i = 0; i < kDegrees; ++i) {
        const double x = conic.center_x + conic.radius_x * cosine;
        const double y = conic.center_y + conic.radius_y * sine;
        if (x > 0 && y > 0 && x < width - 1 && y < height - 1) {
            seen += std::any_of(points, points + count, [&](const Point& point) {
                return std::fabs(point.x - x) <= near && std::fabs(point.y - y) <= near;
            });
        }
        const double next = cosine * kCosine - sine * kSine;
        sine = cosine * kSine + sine * kCosine;
        cosine = next;
    }
    return static_cast<float>(seen) / kDegrees;
}

// Row by row of the ellipse, at half-pixel steps.
float share_of_area_in_frame(const Conic& conic, int width, int height) {
    const int rows = std::max(1, static_cast<int>(2 * conic.radius_y * 2));
    double whole = 0, inside = 0;
    for (int i = 0; i < rows; ++i) {
        const double v = (i + 0.5) / rows * 2 - 1;
        const double half = conic.radius_x * std::sqrt(1 - v * v);
        whole += 2 * half;
        const double y = conic.center_y + v * conic.radius_y;
        if (y < -0.5 || y > height - 0.5) continue;
        const double left = std::max(conic.center_x - half, -0.5);
        const double right = std::min(conic.center_x + half, width - 0.5);
        if (right > left) inside += right - left;
    }
    return whole > 0 ? static_cast<float>(inside / whole) : 0;
}

}  // namespace

Status fit_disc(const ImageView& picture, const Allocator& allocator, Disc* disc,
                std::uint8_t* component) {
    const int width = picture.width, height = picture.height;
    if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
        return Status::kInvalidArgument;
    }
    const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    const std::size_t edge_capacity = 2 * static_cast<std::size_t>(width + height);
    Buffer<std::uint8_t> grey(allocator);
    Buffer<std::int32_t> row_ends(allocator);
    Buffer<Run> runs(allocator);
    Buffer<Point> points(allocator);
    Buffer<float> distances(allocator);  // and as many again to sort
    if (!grey.allocate(count) || !row_ends.allocate(static_cast<std::size_t>(height)) ||
        !runs.allocate(static_cast<std::size_t>(width + 1) / 2 * static_cast<std::size_t>(height)) ||
        !points.allocate(edge_capacity) || !distances.allocate(2 * edge_capacity)) {
        return Status::kOutOfMemory;
    }
    std::uint8_t* next_grey = grey.data();
    for (int y = 0; y < height; ++y) {
        const std::uint8_t* row = picture.row(y);
        for (int x = 0; x < width; ++x) {
            *next_grey++ = luma(row + 3 * x);
        }
    }

    const float half_width = static_cast<float>(width) / 2,
                half_height = static_cast<float>(height) / 2;
    *disc = Disc{};
    disc->center_x = half_width - 0.5f;
    disc->center_y = half_height - 0.5f;
    disc->radius_x = disc->radius_y =
        std::sqrt(half_width * half_width + half_height * half_height);

    // A dim edge needs a low threshold, a veil of stray light a high one: the roundest result is
    // taken.
    const Range range = grey_range(grey.data(), width, height);
    Conic best{};
    best.residual = 2;
    int best_threshold = 0, threshold = 0;
    for (const int divisor : {24, 12, 6}) {
        threshold = range.black + std::max((range.bright - range.black) / divisor, 3);
        if (!largest_component(grey.data(), width, height, threshold, row_ends.data(), runs.data(),
                               component)) {
            continue;
        }
        const int point_count = edge_points(component, width, height, points.data());
        Conic conic{};
        if (point_count >= kMinEdgePoints &&
            fit_disc_edge(points.data(), point_count, distances.data(), edge_capacity, &conic) &&
            conic.residual < best.residual) {
            best = conic;
            best_threshold = threshold;
        }
    }
    if (best.residual > 1) return Status::kOk;
    if (best_threshold != threshold) {
        largest_component(grey.data(), width, height, best_threshold, row_ends.data(), runs.data(),
                          component);
    }
    const int point_count = edge_points(component, width, height, points.data());
    const float visible_arc = seen_share_of_edge(best, points.data(), point_count, width, height);
    // Not far outside the frame, neither a speck nor a nearly straight line, and more than a corner
    // of it.
    const double longer = std::max(width, height), shorter = std::min(width, height);
    const double smaller = std::min(best.radius_x, best.radius_y);
    if (best.center_x < -0.5 * smaller || best.center_x > width + 0.5 * smaller ||
        best.center_y < -0.5 * smaller || best.center_y > height + 0.5 * smaller ||
        smaller < 0.1 * shorter || std::max(best.radius_x, best.radius_y) > 1.5 * longer ||
        visible_arc < kMinVisibleArc) {
        return Status::kOk;
    }
    disc->found = true;
    disc->center_x = static_cast<float>(best.center_x);
    disc->center_y = static_cast<float>(best.center_y);
    disc->radius_x = static_cast<float>(best.radius_x);
    disc->radius_y = static_cast<float>(best.radius_y);
    disc->residual = static_cast<float>(std::min(best.residual, 1.0));
    disc->visible_arc = visible_arc;
    disc->visible_area = share_of_area_in_frame(best, width, height);
    return Status::kOk;
}

}  // namespace fovea::preprocess
