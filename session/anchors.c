/* SPDX-License-Identifier: Apache-2.0 */
#include "session/anchors.h"

#include <errno.h>
#include <string.h>

#include "proto/utc.h"
#include "session/mbedtls_compat.h"

static int64_t seconds_of(const mbedtls_x509_time *t)
{
	return utc_seconds(t->year, t->mon, t->day, t->hour, t->min, t->sec);
}

int anchors_examine(const char *pem, struct anchors *ret)
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt list;
	struct anchors a = {0};
	int r;

	mbedtls_x509_crt_init(&list);
	if (compat_init() != 0)
		return -EIO;
	r = mbedtls_x509_crt_parse(&list, (const unsigned char *)pem, strlen(pem) + 1);
	if (r == MBEDTLS_ERR_X509_ALLOC_FAILED)
		return -ENOMEM;
	if (r != 0) /* negative, or the number of certificates that could not be read */
		return -EINVAL;
	for (const mbedtls_x509_crt *c = &list; c; c = c->next) {
		const int64_t from_s = seconds_of(&c->valid_from),
			      until_s = seconds_of(&c->valid_to);

		a.from_s = a.n == 0 ? from_s : MIN(a.from_s, from_s);
		a.until_s = a.n == 0 ? until_s : MAX(a.until_s, until_s);
		a.n++;
	}
	*ret = a;
	return 0;
}
