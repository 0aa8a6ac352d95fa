/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
	return (int64_t)time(NULL);
}

int64_t clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void random_fill(void *buf, size_t len)
{
	uint8_t *at = buf;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		at += n;
		len -= (size_t)n;
	}
}

uint32_t random_below(uint32_t bound)
{
	/* The largest multiple of bound: what lies above would make small results likelier. */
	const uint32_t limit = UINT32_MAX - UINT32_MAX % bound;
	uint32_t v;

	do {
		random_fill(&v, sizeof(v));
	} while (v >= limit);
	return v % bound;
}

int boot_id_read(uint8_t ret[static 16])
{
	_cleanup_(closep) int fd = -1;
	char text[UUID_TEXT_LEN];

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text)) != (ssize_t)sizeof(text))
		return -EIO;
	return uuid_parse(text, sizeof(text), ret);
}
