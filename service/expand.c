/* SPDX-License-Identifier: Apache-2.0 */
#include "service/expand.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "proto/at.h"
#include "service/crypto.h"

#define CONTENT_MAX 8000
#define ATTRIBUTES_MAX 256
#define PSK_MAX 128
#define PSK_IDENTITY_MAX 128

/* What every expander works on. */
struct request {
	const char *name;
	const json_t *fields;
	const char *id;
	struct expansion *e;
	char **detail;
};

void expansion_done(struct expansion *e)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->steps[i].parameters)
			secret_wipe(e->steps[i].parameters, strlen(e->steps[i].parameters));
		command_done(&e->steps[i]);
	}
	e->n = 0;
	json_decref(TAKE_PTR(e->shown));
}

_printf_(2, 3) static void explain(const struct request *q, const char *format, ...)
{
	_cleanup_(freep) char *what = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&what, format, ap) < 0)
		what = NULL;
	va_end(ap);
	if (!what || asprintf(q->detail, "%s: %s", q->name, what) < 0)
		*q->detail = NULL;
}

#define refuse(q, ...) (explain(q, __VA_ARGS__), EXPAND_E_REFUSED)

static int field_tag(const struct request *q, uint32_t *ret)
{
	const json_t *v = json_object_get(q->fields, "secTag");

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > (json_int_t)SEC_TAG_MAX)
		return refuse(q, "secTag must be a number from 0 to %u", SEC_TAG_MAX);
	*ret = (uint32_t)json_integer_value(v);
	return 0;
}

/* Quoted AT text has no escapes: a quote inside would end it and start something else. */
static bool is_quotable(const char *text, bool lines)
{
	for (; *text; text++) {
		if (lines && (*text == '\n' || *text == '\r' || *text == '\t'))
			continue;
		if (!isascii(*text) || !isprint(*text) || *text == '"')
			return false;
	}
	return true;
}

enum { TEXT_OPTIONAL = 1, TEXT_LINES = 2, TEXT_QUOTES = 4 };

/* *ret is a view, NULL when an optional field is absent. */
static int field_text(const struct request *q, const char *key, size_t max, int flags,
		      const char **ret)
{
	const json_t *v = json_object_get(q->fields, key);
	const char *text = json_string_value(v);

	*ret = NULL;
	if ((flags & TEXT_OPTIONAL) && (!v || (text && text[0] == '\0')))
		return 0;
	if (!text || text[0] == '\0')
		return refuse(q, "%s must be a text", key);
	if (json_string_length(v) > max)
		return refuse(q, "%s is longer than %zu characters", key, max);
	if (strlen(text) != json_string_length(v))
		return refuse(q, "%s contains a NUL character", key);
	if (!(flags & TEXT_QUOTES) && !is_quotable(text, flags & TEXT_LINES))
		return refuse(q, "%s may hold printable ASCII without quotes only", key);
	*ret = text;
	return 0;
}

static struct command *step_new(const struct request *q, enum command_type type, const char *suffix)
{
	struct command *c = &q->e->steps[q->e->n++];

	memset(c, 0, sizeof(*c));
	c->type = type;
	snprintf(c->correlation, sizeof(c->correlation), "%s%s", q->id, suffix);
	return c;
}

_printf_(4, 5) static int step_at(const struct request *q, const char *suffix, const char *verb,
				  const char *format, ...)
{
	struct command *c = step_new(q, COMMAND_AT, suffix);
	va_list ap;
	int len;

	c->verb = strdup(verb);
	va_start(ap, format);
	len = vasprintf(&c->parameters, format, ap);
	va_end(ap);
	if (len < 0)
		c->parameters = NULL;
	return c->verb && c->parameters ? 0 : -ENOMEM;
}

/* Whatever is in the way goes first; that nothing is there is fine. */
static int step_delete(const struct request *q, uint32_t tag, unsigned int type)
{
	struct command *c = &q->e->steps[q->e->n];
	int r;

	r = step_at(q, ".s", "%CMNG", "3,%u,%u", tag, type);
	if (r < 0)
		return r;
	c->ignore_cme[0] = AT_CME_NOT_FOUND;
	c->n_ignore_cme = 1;
	return 0;
}

static int expand_key_generation(const struct request *q)
{
	uint32_t tag;
	int r;

	r = field_tag(q, &tag);
	if (r != 0)
		return r;
	r = step_delete(q, tag, 2);
	if (r < 0)
		return r;
	return step_at(q, "", "%KEYGEN", "%u,2,1", tag);
}

static int expand_endorsement_key(const struct request *q)
{
	uint32_t tag;
	int r;

	r = field_tag(q, &tag);
	if (r != 0)
		return r;
	return step_at(q, "", "%KEYGEN", "%u,8,1", tag);
}

static int expand_csr(const struct request *q)
{
	const char *attributes, *usage;
	uint32_t tag;
	int r;

	r = field_tag(q, &tag);
	if (r != 0)
		return r;
	r = field_text(q, "attributes", ATTRIBUTES_MAX, TEXT_OPTIONAL, &attributes);
	if (r != 0)
		return r;
	r = field_text(q, "keyUsage", 9, TEXT_OPTIONAL, &usage);
	if (r != 0)
		return r;
	if (usage && (strlen(usage) != 9 || strspn(usage, "01") != 9))
		return refuse(q, "keyUsage must be nine digits 0 or 1");
	if (usage && !attributes)
		return refuse(q, "keyUsage needs attributes as well");

	r = step_delete(q, tag, 2);
	if (r < 0)
		return r;
	if (!attributes)
		return step_at(q, "", "%KEYGEN", "%u,2,0", tag);
	if (!usage)
		return step_at(q, "", "%KEYGEN", "%u,2,0,\"%s\"", tag, attributes);
	return step_at(q, "", "%KEYGEN", "%u,2,0,\"%s\",\"%s\"", tag, attributes, usage);
}

/* PEM with CR LF has broken key parsing on devices. */
static int without_cr(const char *text, struct secret *ret)
{
	char *to;
	int r;

	r = secret_alloc(ret, strlen(text));
	if (r < 0)
		return r;
	to = (char *)ret->data;
	for (const char *p = text; *p; p++)
		if (*p != '\r')
			*to++ = *p;
	return 0;
}

static int write_credential(const struct request *q, unsigned int type, const char *content,
			    const char *password)
{
	uint32_t tag;
	int r;

	r = field_tag(q, &tag);
	if (r != 0)
		return r;
	r = step_delete(q, tag, type);
	if (r < 0)
		return r;
	if (password)
		return step_at(q, "", "%CMNG", "0,%u,%u,\"%s\",\"%s\"", tag, type, content,
			       password);
	return step_at(q, "", "%CMNG", "0,%u,%u,\"%s\"", tag, type, content);
}

static int expand_certificate(const struct request *q, unsigned int type)
{
	_cleanup_(secret_done) struct secret pem = SECRET_INIT;
	const char *content;
	int r;

	r = field_text(q, "content", CONTENT_MAX, TEXT_LINES, &content);
	if (r != 0)
		return r;
	r = without_cr(content, &pem);
	if (r < 0)
		return r;
	r = crypto_certificates_check((const char *)pem.data);
	if (r < 0)
		return r;
	if (r > 0)
		return refuse(q, "content holds no PEM certificate, or a broken one");
	return write_credential(q, type, (const char *)pem.data, NULL);
}

static int expand_server_certificate(const struct request *q)
{
	return expand_certificate(q, 0);
}

static int expand_client_certificate(const struct request *q)
{
	return expand_certificate(q, 1);
}

static int expand_client_key(const struct request *q)
{
	_cleanup_(secret_done) struct secret pem = SECRET_INIT;
	const char *content, *password, *p;
	int r;

	r = field_text(q, "content", CONTENT_MAX, TEXT_LINES, &content);
	if (r != 0)
		return r;
	r = field_text(q, "password", 64, TEXT_OPTIONAL, &password);
	if (r != 0)
		return r;
	p = strstr(content, "-----BEGIN ");
	if (!p || !strstr(p, "PRIVATE KEY-----"))
		return refuse(q, "content holds no PEM private key");
	r = without_cr(content, &pem);
	if (r < 0)
		return r;
	return write_credential(q, 2, (const char *)pem.data, password);
}

static int expand_psk(const struct request *q)
{
	const char *content;
	int r;

	r = field_text(q, "content", PSK_MAX, 0, &content);
	if (r != 0)
		return r;
	if (strlen(content) % 2 != 0 || content[strspn(content, "0123456789abcdefABCDEF")] != '\0')
		return refuse(q, "content must be hexadecimal, two digits a byte");
	return write_credential(q, 3, content, NULL);
}

static int expand_psk_identity(const struct request *q)
{
	const char *content;
	int r;

	r = field_text(q, "content", PSK_IDENTITY_MAX, 0, &content);
	if (r != 0)
		return r;
	return write_credential(q, 4, content, NULL);
}

static int expand_config(const struct request *q)
{
	struct command *c;
	const char *key;
	json_t *v;
	size_t n = json_object_size(q->fields);

	if (n == 0 || n > CONFIG_PAIRS_MAX)
		return refuse(q, "there must be 1 to %d pairs", CONFIG_PAIRS_MAX);
	c = step_new(q, COMMAND_CONFIG, "");
	json_object_foreach((json_t *)q->fields, key, v)
	{
		struct config_pair *pair = &c->pairs[c->n_pairs];

		if (key[0] == '\0' || strlen(key) > CONFIG_KEY_MAX || !is_quotable(key, false))
			return refuse(q, "a key must be 1 to %d printable ASCII characters",
				      CONFIG_KEY_MAX);
		if (!json_is_string(v) || json_string_length(v) > CONFIG_VALUE_MAX ||
		    strlen(json_string_value(v)) != json_string_length(v))
			return refuse(q, "the value of %s must be a text of at most %d characters",
				      key, CONFIG_VALUE_MAX);
		c->n_pairs++;
		pair->key = strdup(key);
		pair->value = strdup(json_string_value(v));
		if (!pair->key || !pair->value)
			return -ENOMEM;
	}
	return 0;
}

static int at_ignore_list(const struct request *q, struct command *c)
{
	const json_t *list = json_object_get(q->fields, "ignoreCmeErrors"), *v;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > IGNORE_CME_MAX)
		return refuse(q, "ignoreCmeErrors must be an array of at most %d numbers",
			      IGNORE_CME_MAX);
	json_array_foreach(list, i, v)
	{
		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    json_integer_value(v) > UINT16_MAX)
			return refuse(q, "ignoreCmeErrors[%zu] must be a number from 0 to 65535",
				      i);
		c->ignore_cme[c->n_ignore_cme++] = (uint16_t)json_integer_value(v);
	}
	return 0;
}

static int expand_at(const struct request *q)
{
	static const char *const verbs[] = {"%CMNG", "%KEYGEN", "%ATTESTTOKEN"};
	const char *verb, *parameters;
	struct at_fields fields;
	bool known = false;
	int r;

	r = field_text(q, "setCommand", AT_VERB_MAX, 0, &verb);
	if (r != 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		known = known || strcmp(verb, verbs[i]) == 0;
	if (!known)
		return refuse(q, "setCommand must be one of %%CMNG, %%KEYGEN, %%ATTESTTOKEN");
	r = field_text(q, "parameters", CONTENT_MAX, TEXT_OPTIONAL | TEXT_LINES | TEXT_QUOTES,
		       &parameters);
	if (r != 0)
		return r;
	if (!parameters)
		parameters = "";
	r = at_parse(parameters, &fields);
	if (r < 0)
		return r;
	if (r > 0)
		return refuse(q, "parameters must be numbers and quoted texts with commas between");
	r = step_at(q, "", verb, "%s", parameters);
	if (r < 0)
		return r;
	return at_ignore_list(q, &q->e->steps[0]);
}

static int expand_finished(const struct request *q)
{
	step_new(q, COMMAND_FINISHED, "");
	return 0;
}

static const struct kind {
	const char *name;
	int (*expand)(const struct request *q);
	const char *fields[4];  /* known ones; any when empty and open */
	const char *secrets[3]; /* fields that are never stored or shown */
	bool open;
} kinds[] = {
	{"cloudAccessKeyGeneration", expand_key_generation, {"secTag"}, {NULL}, false},
	{"clientPrivateKeyGeneration", expand_key_generation, {"secTag"}, {NULL}, false},
	{"certificateSigningRequest",
	 expand_csr,
	 {"secTag", "attributes", "keyUsage"},
	 {NULL},
	 false},
	{"serverCertificate", expand_server_certificate, {"secTag", "content"}, {NULL}, false},
	{"clientCertificate", expand_client_certificate, {"secTag", "content"}, {NULL}, false},
	{"clientPrivateKey",
	 expand_client_key,
	 {"secTag", "content", "password"},
	 {"content", "password"},
	 false},
	{"preSharedKey", expand_psk, {"secTag", "content"}, {"content"}, false},
	{"pskIdentity", expand_psk_identity, {"secTag", "content"}, {NULL}, false},
	{"endorsementKeyGeneration", expand_endorsement_key, {"secTag"}, {NULL}, false},
	{"config", expand_config, {NULL}, {NULL}, true},
	{"atCommand", expand_at, {"setCommand", "parameters", "ignoreCmeErrors"}, {NULL}, false},
	{"finished", expand_finished, {NULL}, {NULL}, false},
};

static int fields_check(const struct request *q, const struct kind *kind)
{
	const char *key;
	json_t *v;

	if (!json_is_object(q->fields))
		return refuse(q, "its value must be an object");
	if (kind->open)
		return 0;
	json_object_foreach((json_t *)q->fields, key, v)
	{
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(kind->fields) && kind->fields[i]; i++)
			known = known || strcmp(key, kind->fields[i]) == 0;
		if (!known)
			return refuse(q, "unknown field %.64s", key);
	}
	return 0;
}

/* A raw %CMNG may write a key: its quoted texts are not kept. */
static int shown_at(json_t *fields)
{
	const char *verb = json_string_value(json_object_get(fields, "setCommand"));
	const char *parameters = json_string_value(json_object_get(fields, "parameters"));
	const char *quote = parameters ? strchr(parameters, '"') : NULL;

	if (!verb || strcmp(verb, "%CMNG") != 0 || !quote)
		return 0;
	return json_object_set_new(fields, "parameters",
				   json_sprintf("%.*s...", (int)(quote - parameters), parameters)) <
			       0
		       ? -ENOMEM
		       : 0;
}

static int shown_make(const json_t *request, const struct kind *kind, json_t **ret)
{
	json_t *shown = json_deep_copy(request), *fields;
	int r = 0;

	if (!shown)
		return -ENOMEM;
	fields = json_object_get(shown, kind->name);
	for (size_t i = 0; i < ARRAY_SIZE(kind->secrets) && kind->secrets[i]; i++)
		json_object_del(fields, kind->secrets[i]);
	if (kind->expand == expand_at)
		r = shown_at(fields);
	if (r < 0) {
		json_decref(shown);
		return r;
	}
	*ret = shown;
	return 0;
}

const char *expand_name(const json_t *request)
{
	if (json_object_size(request) != 1)
		return NULL;
	return json_object_iter_key(json_object_iter((json_t *)request));
}

const char *expand_stored_name(const char *text)
{
	static const char start[] = "{\"";
	const size_t at = sizeof(start) - 1;

	if (!text || strncmp(text, start, at) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const size_t len = strlen(kinds[i].name);

		if (strncmp(text + at, kinds[i].name, len) == 0 && text[at + len] == '"')
			return kinds[i].name;
	}
	return NULL;
}

int expand_request(const json_t *request, const char *id, struct expansion *ret, char **ret_detail)
{
	_cleanup_(expansion_done) struct expansion e = {.n = 0};
	struct request q = {.name = "request", .id = id, .e = &e, .detail = ret_detail};
	const struct kind *kind = NULL;
	const char *name = expand_name(request);
	int r;

	if (!name)
		return refuse(&q, "must be an object with exactly one type in it");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			kind = &kinds[i];
	if (!kind)
		return refuse(&q, "unknown type %.64s", name);

	q.name = name;
	q.fields = json_object_get(request, name);
	r = fields_check(&q, kind);
	if (r != 0)
		return r;
	r = kind->expand(&q);
	if (r != 0)
		return r;
	r = shown_make(request, kind, &e.shown);
	if (r < 0)
		return r;
	*ret = e;
	memset(&e, 0, sizeof(e));
	return 0;
}
