/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/pkcs11_unwrap.h"

#include "credstore/key.h"

int pkcs11_wrap(struct keyring *ring, const char *uri, const void *data, size_t len,
		struct secret *ret)
{
	(void)ring;
	(void)uri;
	(void)data;
	(void)len;
	(void)ret;
	return KEY_E_TOKEN_ABSENT;
}

int pkcs11_unwrap(struct keyring *ring, const char *uri, const void *wrapped, size_t len,
		  struct secret *ret)
{
	(void)ring;
	(void)uri;
	(void)wrapped;
	(void)len;
	(void)ret;
	return KEY_E_TOKEN_ABSENT;
}
