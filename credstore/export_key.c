/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/export_key.h"

#include <errno.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <string.h>

#include "base/cursor.h"
#include "base/text.h"
#include "credstore/der.h"
#include "credstore/key.h"
#include "credstore/mbed.h"

#define DER_MAX 512
#define PEM_LINE 64

/* AlgorithmIdentifier { id-ecPublicKey, prime256v1 } (RFC 5480 §2.1.1). */
static const uint8_t algorithm[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
				    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static int parse(const struct secret *key, mbedtls_pk_context *pk)
{
	bool is_text = memmem(key->data, key->len, "-----BEGIN", 10);
	int r;

	/* Text goes in with its NUL, which a secret always has behind it. */
	r = mbed_pk_parse_key(pk, key->data, key->len + is_text);
	if (r == MBEDTLS_ERR_PK_ALLOC_FAILED)
		return -ENOMEM;
	return r == 0 && mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY) ? 0 : -EINVAL;
}

static int spki_digest(mbedtls_pk_context *pk, uint8_t ret[static 32])
{
	uint8_t der[DER_MAX];
	int n;

	n = mbedtls_pk_write_pubkey_der(pk, der, sizeof(der));
	if (n <= 0)
		return -EINVAL;
	return sha256(der + sizeof(der) - n, (size_t)n, ret);
}

/* The bytes between two lines of PEM, wrapped. */
static int wrap_pem(const uint8_t *der, size_t len, struct secret *ret)
{
	static const char begin[] = "-----BEGIN PRIVATE KEY-----\n",
			  end[] = "-----END PRIVATE KEY-----\n";
	_cleanup_(secret_done) struct secret text = SECRET_INIT, pem = SECRET_INIT;
	const size_t text_len = BASE64_LEN(len);
	struct writer w;
	int r;

	r = secret_alloc(&text, text_len + 1);
	if (r == 0)
		r = secret_alloc(&pem,
				 sizeof(begin) + sizeof(end) + text_len + text_len / PEM_LINE + 1);
	if (r < 0)
		return r;
	base64_encode(der, len, (char *)text.data);
	writer_init(&w, pem.data, pem.len);
	writer_text(&w, begin);
	for (size_t at = 0; at < text_len; at += PEM_LINE) {
		writer_bytes(&w, text.data + at, MIN(text_len - at, (size_t)PEM_LINE));
		writer_text(&w, "\n");
	}
	writer_text(&w, end);
	return writer_ok(&w) ? secret_set(ret, w.data, w.len) : -EINVAL;
}

/* PrivateKeyInfo { 0, algorithm, ECPrivateKey } (RFC 5958 §2): mbedTLS writes the innermost only.
 */
static int wrap_pkcs8(const uint8_t *sec1, size_t len, struct secret *ret)
{
	static const uint8_t version = 0;
	_cleanup_(secret_done) struct secret buffer = SECRET_INIT;
	const uint8_t *der;
	struct der d;
	int r;

	r = secret_alloc(&buffer, DER_MAX);
	if (r < 0)
		return r;
	der_init(&d, buffer.data, buffer.len);
	der_value(&d, DER_OCTET_STRING, sec1, len);
	der_bytes(&d, algorithm, sizeof(algorithm));
	der_value(&d, DER_INTEGER, &version, 1);
	der_wrap(&d, DER_SEQUENCE, 0);
	der = der_done(&d);
	return der ? wrap_pem(der, d.len, ret) : -EINVAL;
}

int export_key_pem(const struct secret *key, struct secret *ret)
{
	_cleanup_(mbedtls_pk_free) mbedtls_pk_context pk;
	_cleanup_(secret_done) struct secret sec1 = SECRET_INIT;
	int r, n;

	mbedtls_pk_init(&pk);
	r = parse(key, &pk);
	if (r == 0)
		r = secret_alloc(&sec1, DER_MAX);
	if (r < 0)
		return r;
	n = mbedtls_pk_write_key_der(&pk, sec1.data, sec1.len);
	if (n <= 0)
		return -EINVAL;
	return wrap_pkcs8(sec1.data + sec1.len - (size_t)n, (size_t)n, ret);
}

int export_key_digest(const struct secret *key, uint8_t ret[static 32])
{
	_cleanup_(mbedtls_pk_free) mbedtls_pk_context pk;
	int r;

	mbedtls_pk_init(&pk);
	r = parse(key, &pk);
	return r < 0 ? r : spki_digest(&pk, ret);
}

int export_certificate_digest(const struct secret *pem, uint8_t ret[static 32])
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt chain;

	mbedtls_x509_crt_init(&chain);
	if (mbedtls_x509_crt_parse(&chain, pem->data, pem->len + 1) != 0)
		return -EINVAL;
	return spki_digest(&chain.pk, ret);
}

static bool tells_pin(const char *attribute)
{
	return strncmp(attribute, "pin-value", 9) == 0 || strncmp(attribute, "pin-source", 10) == 0;
}

/* Every character that RFC 7512 allows is a printable one, and none of them is a blank. */
static bool is_printable(const struct secret *uri)
{
	for (size_t i = 0; i < uri->len; i++)
		if (uri->data[i] <= 0x20 || uri->data[i] >= 0x7f)
			return false;
	return true;
}

static char *append_quoted(char *at, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("\"\\`$", text[i]))
			*at++ = '\\';
		*at++ = text[i];
	}
	return at;
}

int export_uri_env(const struct secret *uri, struct secret *ret)
{
	_cleanup_(secret_done) struct secret line = SECRET_INIT;
	const char *text = (const char *)uri->data;
	char separator = '?', *at;
	size_t path;
	int r;

	if (!key_is_uri(uri->data, uri->len) || !is_printable(uri))
		return -EINVAL;
	r = secret_alloc(&line, 2 * uri->len + 32);
	if (r < 0)
		return r;
	path = strcspn(text, "?");
	at = append_quoted(stpcpy((char *)line.data, "ONBOARD_KEY_URI=\""), text, path);
	/* A path attribute of that name would be against RFC 7512, and is not our making. */
	if (strstr(text, "pin-value") && strstr(text, "pin-value") < text + path)
		return -EINVAL;
	for (text += path; *text; text += path) {
		text++;
		path = strcspn(text, "&");
		if (tells_pin(text))
			continue;
		*at++ = separator;
		separator = '&';
		at = append_quoted(at, text, path);
	}
	at = stpcpy(at, "\"\n");
	return secret_set(ret, line.data, (size_t)(at - (char *)line.data));
}
