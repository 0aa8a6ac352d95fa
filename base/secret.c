/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/locked.h"

void secret_wipe(void *data, size_t len)
{
	if (len > 0)
		explicit_bzero(data, len);
}

/* Deeper than any signature of mbedTLS goes. Not inline: its frame must lie where the library's
 * were. */
#define STACK_REACH 16384

__attribute__((noinline)) void secret_wipe_stack(void)
{
	uint8_t reach[STACK_REACH];

	explicit_bzero(reach, sizeof(reach));
}

void secret_done(struct secret *s)
{
	locked_free(s->data);
	*s = SECRET_INIT;
}

int secret_alloc(struct secret *s, size_t len)
{
	uint8_t *data;

	secret_done(s);
	if (len == SIZE_MAX)
		return -ENOMEM;
	data = locked_alloc(len + 1);
	if (!data)
		return -ENOMEM;
	s->data = data;
	s->len = len;
	return 0;
}

int secret_set(struct secret *s, const void *data, size_t len)
{
	int r;

	r = secret_alloc(s, len);
	if (r < 0)
		return r;
	if (len > 0)
		memcpy(s->data, data, len);
	return 0;
}

bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}

int secret_protect_process(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
