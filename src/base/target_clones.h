// Inner loops compiled once for each instruction set; the loader chooses by the processor.
#pragma once

// Before a function: one body, clones for AVX-512 and AVX2 beside the plain one, all vectorized. Only where the clones give the same bits:
// no product that is added to something (the wider sets fuse it into one rounding). Sanitizers don't support the dispatch.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#define NS_TARGET_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define NS_TARGET_CLONES
#endif
