// SPDX-License-Identifier: Apache-2.0
// What check_weak_symbols.py must refuse: an inline function that the compiler emits.
namespace fovea::ops {

inline __attribute__((noinline)) float shared_helper(float x) { return x * x + 1.0f; }

void weak_symbol_sample(float* x) { *x = shared_helper(*x); }

}  // namespace fovea::ops
