/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/validity.h"

#include <errno.h>
#include <mbedtls/x509_crt.h>
#include <string.h>

#include "base/secret.h"
#include "credstore/key.h"
#include "credstore/store.h"
#include "proto/utc.h"

static int64_t seconds_of(const mbedtls_x509_time *t)
{
	return utc_seconds(t->year, t->mon, t->day, t->hour, t->min, t->sec);
}

int validity_of_client_cert(struct store *s, uint32_t tag, struct validity *ret)
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt chain;
	_cleanup_(secret_done) struct secret pem = SECRET_INIT;
	struct validity v;
	int r;

	mbedtls_x509_crt_init(&chain);
	r = store_credential_get(s, tag, CREDENTIAL_CLIENT_CERT, &pem);
	if (r != 0)
		return r < 0 ? r : -EUCLEAN;
	/* The store ends every value with a NUL that it does not count. */
	if (mbedtls_x509_crt_parse(&chain, pem.data, pem.len + 1) < 0)
		return -EINVAL;
	v.not_before_s = seconds_of(&chain.valid_from);
	v.not_after_s = seconds_of(&chain.valid_to);
	if (v.not_after_s <= v.not_before_s)
		return -EINVAL;
	r = sha256(pem.data, pem.len, v.sha256);
	if (r != 0)
		return r < 0 ? r : -EIO;
	*ret = v;
	return 0;
}
