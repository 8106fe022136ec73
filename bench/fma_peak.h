// SPDX-License-Identifier: Apache-2.0
#pragma once

// Floating-point operations a second (a fused multiply-add is two) that one core reaches with
// nothing but vector fused multiply-adds in registers: what a kernel's speed is a fraction of. One
// function an instruction set, in its own file; each does `rounds` rounds and returns the
// operations done.
double fma_peak_avx2(long rounds);
double fma_peak_avx512(long rounds);
double fma_peak_neon(long rounds);
