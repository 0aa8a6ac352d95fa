/* SPDX-License-Identifier: Apache-2.0 */

/* Identities that a factory exported: the devices that this service believes to be genuine. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/core_private.h"
#include "service/crypto_chain.h"

#define ROW_MAX_LEN 512 /* without the chain */
#define LINE_MAX_LEN (ROW_MAX_LEN + BASE64_LEN(X5CHAIN_MAX))

enum { IMPORT_E_ROW = 1 };

struct import {
	struct core *core;
	int64_t now;
	size_t line, rows;
	char **detail;
};

static int refuse(const struct import *im, const char *why)
{
	core_detail(im->detail, "line %zu: %s", im->line, why);
	return IMPORT_E_ROW;
}

static bool hardware_is_valid(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > HARDWARE_MAX)
		return false;
	for (; *text; text++)
		if (!isascii(*text) || (!isalnum(*text) && *text != '-' && *text != '_'))
			return false;
	return true;
}

/* The row is trusted for what it is, so its chain is only held against it; it is not kept. */
static int chain_check(const struct import *im, const char *text,
		       const uint8_t spki[static CRYPTO_SPKI_LEN])
{
	uint8_t der[LINE_MAX_LEN], leaf[CRYPTO_SPKI_LEN];
	struct x5chain chain;
	size_t len;

	if (base64_decode(text, strlen(text), der, &len) < 0 ||
	    x5chain_split(der, len, &chain) != 0 || crypto_chain_key(&chain, leaf) != 0)
		return refuse(im, "the fourth field is not base64 of at most 4 certificates, the "
				  "device's first");
	if (memcmp(leaf, spki, sizeof(leaf)) != 0)
		return refuse(im, "the certificate in the fourth field is for another key than "
				  "the third");
	return 0;
}

static int row_parse(const struct import *im, char *text, struct store_identity *ret)
{
	uint8_t spki[LINE_MAX_LEN];
	char *uuid = text, *hardware, *key, *chain;
	size_t len;

	hardware = strchr(uuid, ',');
	key = hardware ? strchr(hardware + 1, ',') : NULL;
	chain = key ? strchr(key + 1, ',') : NULL;
	if (!key || (chain && strchr(chain + 1, ',')))
		return refuse(im, "a row has three fields, or four: uuid,hardware,public "
				  "key,certificates");
	*hardware++ = '\0';
	*key++ = '\0';
	if (chain)
		*chain++ = '\0';
	if (core_uuid_normal(uuid, ret->uuid) < 0)
		return refuse(im, "the first field is not a UUID");
	if (!hardware_is_valid(hardware))
		return refuse(im, "the second field must be 1 to 32 letters, digits, - or _");
	if (base64_decode(key, strlen(key), spki, &len) < 0)
		return refuse(im, "the third field is not base64");
	if (crypto_key_check(spki, len) != 0)
		return refuse(im, "the third field is not a P-256 public key "
				  "(SubjectPublicKeyInfo)");
	snprintf(ret->hardware, sizeof(ret->hardware), "%s", hardware);
	memcpy(ret->spki, spki, sizeof(ret->spki));
	ret->imported_at = im->now;
	return chain ? chain_check(im, chain, ret->spki) : 0;
}

/* A key is never replaced: whoever could do that could become the device. */
static int row_store(struct import *im, const struct store_identity *row)
{
	struct service_store *s = im->core->store;
	struct store_identity old;
	int r;

	r = s->ops->identity_get(s, row->uuid, &old);
	if (r < 0)
		return r;
	if (r == STORE_E_NOT_FOUND) {
		r = s->ops->identity_add(s, row);
		if (r != 0)
			return r < 0 ? r : -EEXIST;
	} else if (memcmp(old.spki, row->spki, sizeof(old.spki)) != 0) {
		return refuse(im, "this device is known with another key, which is not replaced");
	}
	im->rows++;
	return 0;
}

static int line_import(struct import *im, const char *line, size_t len)
{
	struct store_identity row;
	char text[LINE_MAX_LEN + 1];
	int r;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0 || line[0] == '#')
		return 0;
	if (len > LINE_MAX_LEN || memchr(line, '\0', len))
		return refuse(im, "the row is too long or not text");
	memcpy(text, line, len);
	text[len] = '\0';
	if (im->rows == 0 && strncasecmp(text, "uuid,", 5) == 0)
		return 0;
	r = row_parse(im, text, &row);
	if (r != 0)
		return r;
	return row_store(im, &row);
}

int core_import_identities(struct core *c, const char *csv, size_t len, size_t *ret_n,
			   char **ret_detail)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct import im = {.core = c, .now = clock_wall_s(), .detail = ret_detail};
	const char *end = csv + len;
	int r;

	*ret_detail = NULL;
	r = store_txn_begin(&t, c->store, STORE_WRITE, "");
	if (r < 0)
		return r;
	while (csv < end) {
		const char *stop = memchr(csv, '\n', (size_t)(end - csv));

		if (!stop)
			stop = end;
		im.line++;
		r = line_import(&im, csv, (size_t)(stop - csv));
		if (r != 0)
			return r;
		csv = stop + 1;
	}
	r = store_txn_commit(&t);
	if (r < 0)
		return r;
	*ret_n = im.rows;
	return 0;
}
