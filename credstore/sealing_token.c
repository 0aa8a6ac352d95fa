/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/sealing_token.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "credstore/detail.h"
#include "credstore/key.h"
#include "credstore/pkcs11_unwrap.h"

static int token_failed(int r, const char *what, char **ret_detail)
{
	return detail_set(ret_detail, r == -ENOMEM ? r : STORE_E_SEALING_KEY,
			  "the sealing key cannot be %s by the token of [sealing] `key`: %s", what,
			  key_strerror(r));
}

static int unwrap(const struct store_options *options, const struct secret *wrapped,
		  struct secret *ret)
{
	int r;

	if (!options || !options->seal_uri || !options->ring)
		return KEY_E_TOKEN_ABSENT;
	r = pkcs11_unwrap(options->ring, options->seal_uri, wrapped->data, wrapped->len, ret);
	if (r == 0 && ret->len != SEAL_KEY_LEN)
		return KEY_E_TOKEN;
	return r;
}

int sealing_token_load(const char *path, const struct store_options *options,
		       uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	_cleanup_(secret_done) struct secret wrapped = SECRET_INIT, key = SECRET_INIT;
	int r = file_read(path, PKCS11_WRAPPED_MAX, &wrapped);

	if (r == -ENOENT)
		return detail_set(ret_detail, r, "the sealing key %s is missing", path);
	if (r < 0)
		return detail_set(ret_detail, r == -ENOMEM ? r : STORE_E_SEALING_KEY,
				  "the sealing key %s cannot be read: %s", path, strerror(-r));
	if (!options || !options->seal_uri)
		return detail_set(ret_detail, STORE_E_SEALING_KEY,
				  "%s is wrapped by a token that [sealing] `key` does not name",
				  path);
	r = unwrap(options, &wrapped, &key);
	if (r != 0)
		return token_failed(r, "unwrapped", ret_detail);
	memcpy(ret, key.data, SEAL_KEY_LEN);
	return 0;
}

int sealing_token_wrap(const struct store_options *options, const uint8_t key[static SEAL_KEY_LEN],
		       struct secret *ret, char **ret_detail)
{
	_cleanup_(secret_done) struct secret wrapped = SECRET_INIT, back = SECRET_INIT;
	int r = options && options->seal_uri && options->ring ? 0 : KEY_E_TOKEN_ABSENT;

	if (r == 0)
		r = pkcs11_wrap(options->ring, options->seal_uri, key, SEAL_KEY_LEN, &wrapped);
	if (r != 0)
		return token_failed(r, "wrapped", ret_detail);
	r = unwrap(options, &wrapped, &back);
	if (r == 0 && !secret_equal(back.data, back.len, key, SEAL_KEY_LEN))
		r = KEY_E_TOKEN;
	if (r != 0)
		return token_failed(r, "unwrapped again", ret_detail);
	secret_done(ret);
	*ret = wrapped;
	wrapped = SECRET_INIT;
	return 0;
}
