/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An allocator that runs out: malloc() and calloc() of the code under test (by the linker's --wrap)
 * and of jansson. */

#include <stddef.h>

/* The next n allocations succeed, every later one fails, until failing_disarm(). */
void failing_arm(size_t n);
void failing_disarm(void);
