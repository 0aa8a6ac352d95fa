/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/text.h"
#include "credstore/cmng.h"
#include "credstore/key.h"
#include "credstore/verb.h"
#include "proto/limits.h"

/* %CMNG=<op>[,<tag>[,<type>[,"<content>"[,"<password>"]]]] (docs/protocol.md §4.3). Writing over a
 * credential replaces it, as a modem does. */

#define PEM_BEGIN "-----BEGIN"
#define PSK_MAX 64 /* bytes */
#define PSK_IDENTITY_MAX 128

static bool is_writable(uint32_t type)
{
	return type <= CREDENTIAL_PSK_IDENTITY;
}

static bool is_type(uint32_t type)
{
	return is_writable(type) || type == CREDENTIAL_ENDORSEMENT_KEY;
}

/* Private keys and PSKs never leave the store. */
static bool is_readable(uint32_t type)
{
	return type == CREDENTIAL_ROOT_CA || type == CREDENTIAL_CLIENT_CERT ||
	       type == CREDENTIAL_PSK_IDENTITY;
}

/* Tag and type of a command that names one credential. 0 or the number to answer. */
static int read_place(const struct at_fields *fields, uint32_t *ret_tag,
		      enum credential_type *ret_type)
{
	uint32_t tag, type;

	if (!verb_number(fields, 1, &tag) || !verb_number(fields, 2, &type) || !is_type(type))
		return AT_CME_INCORRECT_PARAMETERS;
	if (tag > SEC_TAG_MAX)
		return AT_CME_NO_ACCESS;
	*ret_tag = tag;
	*ret_type = (enum credential_type)type;
	return 0;
}

/* --- write */

/* Every certificate that begins must be one: mbedTLS passes over a last one that is cut. */
static int check_certificates(const struct secret *content)
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt chain;
	size_t n_begun = 0, n = 0;
	int r;

	mbedtls_x509_crt_init(&chain);
	r = mbedtls_x509_crt_parse(&chain, content->data, content->len + 1);
	if (r == MBEDTLS_ERR_X509_ALLOC_FAILED)
		return -ENOMEM;
	if (r != 0)
		return -EINVAL;
	for (const mbedtls_x509_crt *c = &chain; c; c = c->next)
		n++;
	for (const char *p = (const char *)content->data; (p = strstr(p, PEM_BEGIN)); p++)
		n_begun++;
	return n == n_begun ? 0 : -EINVAL;
}

static int check_private_key(const struct secret *content)
{
	_cleanup_(key_freep) struct key *k = NULL;

	if (!strstr((const char *)content->data, PEM_BEGIN))
		return -EINVAL;
	return key_load(content->data, content->len, &k);
}

static int check_psk(const struct secret *content)
{
	uint8_t psk[PSK_MAX];
	int r;

	if (content->len % 2 != 0 || content->len / 2 > sizeof(psk))
		return -EINVAL;
	r = hex_decode((const char *)content->data, content->len, psk, content->len / 2);
	secret_wipe(psk, sizeof(psk));
	return r;
}

static int check_psk_identity(const struct secret *content)
{
	if (content->len > PSK_IDENTITY_MAX)
		return -EINVAL;
	for (size_t i = 0; i < content->len; i++)
		if (content->data[i] < 0x20 || content->data[i] > 0x7e || content->data[i] == '"')
			return -EINVAL;
	return 0;
}

static int check_content(enum credential_type type, const struct secret *content)
{
	if (content->len == 0 || strlen((const char *)content->data) != content->len)
		return -EINVAL;
	switch (type) {
	case CREDENTIAL_ROOT_CA:
	case CREDENTIAL_CLIENT_CERT:
		return check_certificates(content);
	case CREDENTIAL_PRIVATE_KEY:
		return check_private_key(content);
	case CREDENTIAL_PSK:
		return check_psk(content);
	case CREDENTIAL_PSK_IDENTITY:
		return check_psk_identity(content);
	case CREDENTIAL_ENDORSEMENT_KEY:
		break;
	}
	return -EINVAL;
}

int cmng_has_room(struct store *s, uint32_t tag, enum credential_type type, bool *ret)
{
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n, used = 0;
	int r;

	r = store_credential_list(s, &list, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (list[i].tag == tag && list[i].type == type) {
			*ret = true; /* it takes its predecessor's place */
			return 0;
		}
		used += list[i].tag <= SEC_TAG_MAX;
	}
	*ret = used < CMNG_CREDENTIALS_MAX;
	return 0;
}

static int store_content(struct executor *e, uint32_t tag, enum credential_type type,
			 const struct secret *content, struct verb_result *ret)
{
	uint8_t digest[32];
	bool has_room;
	int r;

	r = cmng_has_room(e->store, tag, type, &has_room);
	if (r < 0)
		return r;
	if (!has_room)
		return verb_cme(ret, AT_CME_MEMORY_FULL);
	r = sha256(content->data, content->len, digest);
	if (r < 0)
		return r;
	r = verb_stage(e, tag);
	if (r < 0)
		return r;
	r = store_credential_put(e->store, tag, type, content->data, content->len, digest);
	if (r < 0)
		return r;
	ret->changed = true;
	return verb_ok(ret, "OK\r\n");
}

static int write_credential(struct executor *e, const struct at_fields *fields,
			    struct verb_result *ret)
{
	_cleanup_(secret_done) struct secret content = SECRET_INIT;
	enum credential_type type;
	uint32_t tag;
	int r;

	r = read_place(fields, &tag, &type);
	if (r > 0)
		return verb_cme(ret, (enum at_cme)r);
	if (!is_writable((uint32_t)type))
		return verb_cme(ret, AT_CME_NO_ACCESS);
	/* A password says that the key is encrypted, and we take none of those. */
	if (fields->n > 5 || (!verb_is_absent(fields, 4) &&
			      (fields->items[4].kind != AT_STRING || fields->items[4].len > 0)))
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	if (fields->n < 4 || fields->items[3].kind != AT_STRING)
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	if (fields->items[3].len > CMNG_CONTENT_MAX)
		return verb_cme(ret, AT_CME_MEMORY_FULL);
	r = secret_set(&content, fields->items[3].text, fields->items[3].len);
	if (r < 0)
		return r;
	r = check_content(type, &content);
	if (r == -EINVAL)
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	if (r < 0)
		return r;
	return store_content(e, tag, type, &content, ret);
}

/* --- list and read */

static void hex_upper(const uint8_t digest[static 32], char ret[static 65])
{
	hex_encode(digest, 32, ret);
	for (; *ret; ret++)
		if (*ret >= 'a' && *ret <= 'f')
			*ret = (char)(*ret - 'a' + 'A');
}

/* %CMNG: <tag>,<type>,"<sha256>"[,"<content>"] */
static void write_line(struct writer *w, const struct credential_info *info,
		       const struct secret *content)
{
	char digest[65], head[128];

	hex_upper(info->sha256, digest);
	snprintf(head, sizeof(head), "%%CMNG: %u,%d,\"%s\"", info->tag, (int)info->type, digest);
	writer_text(w, head);
	if (content) {
		writer_text(w, ",\"");
		writer_bytes(w, content->data, content->len);
		writer_text(w, "\"");
	}
	writer_text(w, "\r\n");
}

static int answer(struct writer *w, struct verb_result *ret)
{
	writer_text(w, "OK\r\n");
	if (!writer_ok(w))
		return verb_failed(ret, "%%CMNG: the answer is longer than %d characters",
				   AT_ANSWER_MAX);
	w->data[w->len] = '\0';
	return verb_ok(ret, (const char *)w->data);
}

static int list_credentials(struct executor *e, const struct at_fields *fields,
			    struct verb_result *ret)
{
	_cleanup_(freep) struct credential_info *list = NULL;
	bool one_tag = !verb_is_absent(fields, 1), one_type = !verb_is_absent(fields, 2);
	uint8_t text[AT_ANSWER_MAX + 1];
	uint32_t tag = 0, type = 0;
	struct writer w;
	size_t n;
	int r;

	if (fields->n > 3 || (one_tag && !verb_number(fields, 1, &tag)) ||
	    (one_type && (!one_tag || !verb_number(fields, 2, &type) || !is_type(type))))
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	if (tag > SEC_TAG_MAX)
		return verb_cme(ret, AT_CME_NO_ACCESS);
	r = store_credential_list(e->store, &list, &n);
	if (r < 0)
		return r;
	writer_init(&w, text, AT_ANSWER_MAX);
	for (size_t i = 0; i < n; i++) {
		if (list[i].tag > SEC_TAG_MAX || (one_tag && list[i].tag != tag) ||
		    (one_type && (uint32_t)list[i].type != type))
			continue;
		write_line(&w, &list[i], NULL);
	}
	return answer(&w, ret);
}

static int find_info(struct store *s, uint32_t tag, enum credential_type type,
		     struct credential_info *ret)
{
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n;
	int r;

	r = store_credential_list(s, &list, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (list[i].tag != tag || list[i].type != type)
			continue;
		*ret = list[i];
		return 0;
	}
	return -ENOENT;
}

static int read_credential(struct executor *e, const struct at_fields *fields,
			   struct verb_result *ret)
{
	_cleanup_(secret_done) struct secret content = SECRET_INIT;
	uint8_t text[AT_ANSWER_MAX + 1];
	struct credential_info info;
	enum credential_type type;
	struct writer w;
	uint32_t tag;
	int r;

	r = fields->n == 3 ? read_place(fields, &tag, &type) : AT_CME_INCORRECT_PARAMETERS;
	if (r > 0)
		return verb_cme(ret, (enum at_cme)r);
	if (!is_readable((uint32_t)type))
		return verb_cme(ret, AT_CME_NO_ACCESS);
	r = find_info(e->store, tag, type, &info);
	if (r == 0)
		r = store_credential_get(e->store, tag, type, &content);
	if (r == -ENOENT)
		return verb_cme(ret, AT_CME_NOT_FOUND);
	if (r != 0)
		return verb_store_error(ret, r);
	writer_init(&w, text, AT_ANSWER_MAX);
	write_line(&w, &info, &content);
	return answer(&w, ret);
}

/* --- delete */

static int delete_credential(struct executor *e, const struct at_fields *fields,
			     struct verb_result *ret)
{
	enum credential_type type;
	uint32_t tag;
	int r;

	r = fields->n == 3 ? read_place(fields, &tag, &type) : AT_CME_INCORRECT_PARAMETERS;
	if (r > 0)
		return verb_cme(ret, (enum at_cme)r);
	r = verb_stage(e, tag);
	if (r < 0)
		return r;
	r = store_credential_delete(e->store, tag, type);
	if (r == -ENOENT)
		return verb_cme(ret, AT_CME_NOT_FOUND);
	if (r < 0)
		return r;
	ret->changed = true;
	return verb_ok(ret, "OK\r\n");
}

int verb_cmng_plan(struct executor *e, const char *parameters, struct foreseen *foreseen,
		   struct key_work *ret)
{
	struct at_fields fields;
	enum credential_type type;
	uint32_t op, tag;
	int r;

	(void)e;
	(void)ret;
	r = at_parse(parameters, &fields);
	if (r < 0)
		return r;
	if (r == 0 && verb_number(&fields, 0, &op) && (op == 0 || op == 3) &&
	    read_place(&fields, &tag, &type) == 0)
		foreseen_set(foreseen, tag, type, op == 0);
	return 0;
}

int verb_cmng(struct executor *e, const char *parameters, const struct key_work *prepared,
	      struct verb_result *ret)
{
	struct at_fields fields;
	uint32_t op;
	int r;

	(void)prepared;
	r = at_parse(parameters, &fields);
	if (r < 0)
		return r;
	if (r > 0 || !verb_number(&fields, 0, &op))
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	switch (op) {
	case 0:
		return write_credential(e, &fields, ret);
	case 1:
		return list_credentials(e, &fields, ret);
	case 2:
		return read_credential(e, &fields, ret);
	case 3:
		return delete_credential(e, &fields, ret);
	default:
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	}
}
