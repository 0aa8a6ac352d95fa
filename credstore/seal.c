/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/seal.h"

#include <errno.h>
#include <mbedtls/gcm.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"

enum { FORMAT_CREDENTIAL = 1, FORMAT_SECRET = 2 };

#define NONCE_LEN 12
#define TAG_LEN 16
#define AAD_MAX (1 + SEAL_NAME_MAX)

static uint8_t format_of(const struct seal_place *place)
{
	return place->name ? FORMAT_SECRET : FORMAT_CREDENTIAL;
}

static int write_aad(const struct seal_place *place, uint8_t ret[static AAD_MAX], size_t *ret_len)
{
	struct writer w;

	writer_init(&w, ret, AAD_MAX);
	writer_u8(&w, format_of(place));
	if (place->name) {
		writer_text(&w, place->name);
	} else {
		writer_be32(&w, place->tag);
		writer_be32(&w, place->type);
		writer_bytes(&w, place->sha256, sizeof(place->sha256));
	}
	if (!writer_ok(&w) || w.len < 2)
		return -EINVAL;
	*ret_len = w.len;
	return 0;
}

static int set_key(mbedtls_gcm_context *gcm, const uint8_t key[static SEAL_KEY_LEN])
{
	return mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, SEAL_KEY_LEN * 8);
}

int seal_close(const uint8_t key[static SEAL_KEY_LEN], const struct seal_place *place,
	       const void *value, size_t len, uint8_t *ret)
{
	_cleanup_(mbedtls_gcm_free) mbedtls_gcm_context gcm;
	uint8_t aad[AAD_MAX];
	uint8_t *nonce = ret + 1, *text = nonce + NONCE_LEN;
	size_t aad_len;
	int r;

	mbedtls_gcm_init(&gcm);
	r = write_aad(place, aad, &aad_len);
	if (r < 0)
		return r;
	ret[0] = format_of(place);
	random_fill(nonce, NONCE_LEN);
	if (set_key(&gcm, key) != 0)
		return -EIO;
	if (mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, len, nonce, NONCE_LEN, aad,
				      aad_len, value, text, TAG_LEN, text + len) != 0)
		return -EIO;
	return 0;
}

int seal_open(const uint8_t key[static SEAL_KEY_LEN], const struct seal_place *place,
	      const uint8_t *sealed, size_t len, struct secret *ret)
{
	_cleanup_(mbedtls_gcm_free) mbedtls_gcm_context gcm;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct reader reader;
	const uint8_t *nonce, *text, *tag;
	uint8_t aad[AAD_MAX], format;
	size_t aad_len;
	int r;

	mbedtls_gcm_init(&gcm);
	if (len < SEAL_OVERHEAD)
		return SEAL_E_AUTHENTICATION;
	reader_init(&reader, sealed, len);
	format = reader_u8(&reader);
	nonce = reader_bytes(&reader, NONCE_LEN);
	text = reader_bytes(&reader, len - SEAL_OVERHEAD);
	tag = reader_bytes(&reader, TAG_LEN);
	if (!reader_done(&reader) || format != format_of(place) ||
	    write_aad(place, aad, &aad_len) < 0)
		return SEAL_E_AUTHENTICATION;
	r = secret_alloc(&value, len - SEAL_OVERHEAD);
	if (r < 0)
		return r;
	if (set_key(&gcm, key) != 0)
		return -EIO;
	r = mbedtls_gcm_auth_decrypt(&gcm, value.len, nonce, NONCE_LEN, aad, aad_len, tag, TAG_LEN,
				     text, value.data);
	if (r == MBEDTLS_ERR_GCM_AUTH_FAILED)
		return SEAL_E_AUTHENTICATION;
	if (r != 0)
		return -EIO;
	secret_done(ret);
	*ret = value;
	value = SECRET_INIT;
	return 0;
}
