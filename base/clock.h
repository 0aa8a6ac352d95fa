/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two clocks of the tree and its source of random bytes. Pure code takes them as arguments
 * instead. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* CLOCK_BOOTTIME in milliseconds: goes on during sleep, is the same for every process of this boot.
 */
uint64_t clock_ms(void);
/* Seconds since 1970, UTC. */
int64_t clock_wall_s(void);
/* Milliseconds of the same. */
int64_t clock_wall_ms(void);

/* Fills buf from the kernel's generator; aborts when the kernel has none, since nothing can be
 * right then. */
void random_fill(void *buf, size_t len);
/* Uniform in 0 … bound - 1; bound > 0. */
uint32_t random_below(uint32_t bound);

/* Reads this boot's id (/proc/sys/kernel/random/boot_id). -errno. */
int boot_id_read(uint8_t ret[static 16]) _must_check_;
