// SPDX-License-Identifier: Apache-2.0
// Means and maxima of maps of codes.
#include "ops/pool/global_pool_codes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "code_check.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_pool(kGlobalPoolCodes);

}  // namespace

TEST_CASE("global_pool_codes: every kernel, parts of the channels, more pixels than 32 bits hold at their ends") {
    Checker checker;
    for (const int channels : kChannelCounts) {
        for (const std::size_t pixels : {1, 7, 49, 600, 70000}) {
            if (pixels > 1000 && channels != 3) continue;
            for (const CodeType type : kTypes) {
                for (const PoolKind pool : {PoolKind::kAverage, PoolKind::kMax}) {
                    checker.shape("channels=%d pixels=%zu type=%d pool=%d", channels, pixels, static_cast<int>(type),
                                  static_cast<int>(pool));
                    Random random = checker.random();
                    const auto count = static_cast<std::size_t>(channels);
                    Map input(pixels, count, count + 1, type);
                    input.fill(random, pixels > 100 ? Codes::kExtreme : Codes::kAny);
                    const Constants with(random, channels, 0.01f, type);
                    std::vector<float> wanted;
                    const int begin = channels > 8 ? 8 : 0;
                    for (std::size_t c = static_cast<std::size_t>(begin); c < count; ++c) {
                        std::int64_t sum = 0;
                        int most = lowest(type);
                        for (std::size_t p = 0; p < pixels; ++p) {
                            sum += input.at(p, c) - with.zero_[c];
                            most = std::max(most, input.at(p, c));
                        }
                        const float mean = static_cast<float>(sum) / static_cast<float>(pixels);
                        wanted.push_back((pool == PoolKind::kAverage ? mean : static_cast<float>(most - with.zero_[c])) *
                                         with.first_[c]);
                    }
                    for (const auto& kernel : runnable_variants(kGlobalPoolCodes)) {
                        OutputRows output(1, wanted.size(), wanted.size());
                        const bool ran = checker.run(kernel.name, [&] {
                            kernel.function({input.view(), output.data() - begin, with.first_.data(), with.zero_.data(), pixels, begin,
                                             channels, pool});
                        });
                        if (ran) checker.compare_equal(output, wanted.data(), static_cast<std::ptrdiff_t>(wanted.size()));
                    }
                }
            }
        }
    }
}
