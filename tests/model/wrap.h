/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A function that the linker puts in the place of another: __real_NAME() is that one. Before the
 * model is on (is_on), all do what theirs does. */

#include "world.h"

#define WRAP(type, name, ...)                                                                      \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)
