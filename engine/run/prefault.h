// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace fovea {

// Asks the system to map the first pages of memory now, in one call, instead of one by one in the
// middle of the first inference, which for a network of a millisecond they make a quarter longer.
// At most 512 KiB: a page takes about a microsecond, and getting ready must stay short. A hint that
// changes no byte: systems that do not know it (Linux before 5.14) map pages as they are touched.
void prefault(void* memory, std::size_t size);

}  // namespace fovea
