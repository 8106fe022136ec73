// SPDX-License-Identifier: Apache-2.0
#pragma once

// As fma_peak.h, of 8-bit codes: operations a second (a multiply-add of whole numbers is two) that
// one core reaches with nothing but the instructions that multiply bytes and add the products in 32
// bits, exactly for weights that keep the pair rule. Products of 16-bit codes take twice the
// instructions, or a little less.
double code_peak_avx2(long rounds);
double code_peak_avx512_vnni(long rounds);
