/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/failing.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_armed;
static size_t left;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool is_refused(void)
{
	return is_armed && (left == 0 || left-- == 0);
}

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void failing_arm(size_t n)
{
	json_set_alloc_funcs(__wrap_malloc, free);
	left = n;
	is_armed = true;
}

void failing_disarm(void)
{
	is_armed = false;
}
