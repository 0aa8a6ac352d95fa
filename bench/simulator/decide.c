/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/simulator/decide.h"

/* The finaliser of SplitMix64: every bit of the input reaches every bit of the output. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint64_t decide(uint64_t seed, enum decision what, uint64_t device, uint64_t n)
{
	return mix(mix(mix(mix(seed) ^ (uint64_t)what) ^ device) ^ n);
}

double decide_fraction(uint64_t seed, enum decision what, uint64_t device, uint64_t n)
{
	return (double)(decide(seed, what, device, n) >> 11) * 0x1p-53;
}
