/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/owners.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "service/routes.h"

#define TURNS_MAX 4096 /* of the loop, for what is worked off in slices */

static struct {
	struct owner_front front;
	char last_id[256], last_token[1024], last_bulk[64];
	const struct owner_request *request;
	struct owner_reply *reply;
} owners;

/* ---- what the linker puts in the place of the HTTP library ---- */

const char *__wrap_MHD_lookup_connection_value(struct MHD_Connection *connection,
					       enum MHD_ValueKind kind, const char *name);
int __wrap_MHD_get_connection_values(struct MHD_Connection *connection, enum MHD_ValueKind kind,
				     MHD_KeyValueIterator fn, void *userdata);
const union MHD_ConnectionInfo *__wrap_MHD_get_connection_info(struct MHD_Connection *connection,
							       enum MHD_ConnectionInfoType type,
							       ...);
void __wrap_MHD_suspend_connection(struct MHD_Connection *connection);
void __wrap_MHD_resume_connection(struct MHD_Connection *connection);
void __wrap_http_loop_soon(struct http_loop *l);
enum MHD_Result __wrap_owner_answer(struct exchange *x, unsigned int status, struct answer *a);

const char *__wrap_MHD_lookup_connection_value(struct MHD_Connection *connection,
					       enum MHD_ValueKind kind, const char *name)
{
	static char length[24];

	(void)connection;
	if (kind != MHD_HEADER_KIND)
		return NULL;
	if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0)
		return service_get()->keys[owners.request->owner];
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_TYPE) == 0)
		return owners.request->type;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) != 0)
		return NULL;
	snprintf(length, sizeof(length), "%zu", owners.request->len);
	return length;
}

int __wrap_MHD_get_connection_values(struct MHD_Connection *connection, enum MHD_ValueKind kind,
				     MHD_KeyValueIterator fn, void *userdata)
{
	char *text = owners.request->query, *item, *rest = NULL;
	int n = 0;

	(void)connection;
	if (kind != MHD_GET_ARGUMENT_KIND || !text)
		return 0;
	for (item = strtok_r(text, "&", &rest); item; item = strtok_r(NULL, "&", &rest)) {
		char *value = strchr(item, '=');

		if (value)
			*value++ = '\0';
		n++;
		if (fn(userdata, kind, item, value) != MHD_YES)
			break;
	}
	return n;
}

const union MHD_ConnectionInfo *__wrap_MHD_get_connection_info(struct MHD_Connection *connection,
							       enum MHD_ConnectionInfoType type,
							       ...)
{
	static struct sockaddr_in peer = {.sin_family = AF_INET};
	static union MHD_ConnectionInfo info;

	(void)connection;
	if (type != MHD_CONNECTION_INFO_CLIENT_ADDRESS)
		return NULL;
	peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	info.client_addr = (struct sockaddr *)&peer;
	return &info;
}

void __wrap_MHD_suspend_connection(struct MHD_Connection *connection)
{
	(void)connection;
}

void __wrap_MHD_resume_connection(struct MHD_Connection *connection)
{
	(void)connection;
}

void __wrap_http_loop_soon(struct http_loop *l)
{
	(void)l;
}

static void keep_text(const json_t *json, const char *name, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(json, name));

	if (text && strlen(text) < size)
		strcpy(ret, text);
}

/* One body, or none. */
enum MHD_Result __wrap_owner_answer(struct exchange *x, unsigned int status, struct answer *a)
{
	char buf[512];

	FUZZ_ASSERT(owners.reply->status == 0 && status != 0);
	FUZZ_ASSERT(!!a->json + !!a->text + !!a->bytes + !!a->stream.read <= 1);
	owners.reply->status = status;
	owners.reply->is_known = x->route;
	owners.reply->json = json_incref(a->json);
	owners.reply->text = TAKE_PTR(a->text);
	for (int turns = 0; a->stream.read && turns < 8; turns++)
		if (a->stream.read(a->stream.data, buf, sizeof(buf)) <= 0)
			break;
	keep_text(a->json, "id", owners.last_id, sizeof(owners.last_id));
	keep_text(a->json, "bulkOpsRequestId", owners.last_bulk, sizeof(owners.last_bulk));
	keep_text(a->json, "pageNextToken", owners.last_token, sizeof(owners.last_token));
	answer_done(a);
	return MHD_YES;
}

/* ---- requests ---- */

void owners_begin(struct service *s)
{
	owners.last_id[0] = owners.last_token[0] = owners.last_bulk[0] = '\0';
	if (owners.front.core)
		return;
	owners.front.core = s->f->core;
	owners.front.config.router = &routes_owner;
	owners.front.config.max_body = 1048576;
	FUZZ_ASSERT(sd_event_default(&owners.front.event) >= 0);
}

static const char *expansion(char letter, char buf[static 2 * STORE_SPKI_LEN])
{
	const struct service *s = service_get();

	switch (letter) {
	case 'D':
		return s->devices[SERVICE_CLAIMED].uuid;
	case 'U':
		return s->devices[SERVICE_UNCLAIMED].uuid;
	case 'O':
		return s->devices[SERVICE_THEIRS].uuid;
	case 'X':
		return s->devices[SERVICE_UNKNOWN].uuid;
	case 'T':
		return s->claim_tokens[SERVICE_UNCLAIMED];
	case 'S':
		return s->claim_tokens[SERVICE_THEIRS];
	case 'K':
		base64_encode(s->devices[SERVICE_UNKNOWN].spki, STORE_SPKI_LEN, buf);
		return buf;
	case 'Y':
		return s->f->other.team;
	case 'Z':
		return s->f->editor.team;
	case 'B':
		return owners.last_bulk;
	case 'C':
		return owners.last_id;
	case 'N':
		return owners.last_token;
	default:
		return NULL;
	}
}

size_t owners_expand(const char *text, size_t len, char *ret)
{
	char buf[2 * STORE_SPKI_LEN];
	size_t n = 0;

	for (size_t i = 0; i < len && n + CLAIM_TEXT_MAX + 2 < OWNERS_TEXT_MAX; i++) {
		const char *word =
			text[i] == '$' && i + 1 < len ? expansion(text[i + 1], buf) : NULL;

		if (!word) {
			ret[n++] = text[i];
			continue;
		}
		memcpy(ret + n, word, strlen(word));
		n += strlen(word);
		i++;
	}
	ret[n] = '\0';
	return n;
}

static bool take_head(char head[static 2], struct owner_request *r)
{
	static const struct {
		char letter;
		const char *type;
	} types[] = {
		{'j', "application/json"}, {'m', "application/merge-patch+json"},
		{'c', "text/csv"},         {'o', "application/octet-stream"},
		{'t', "text/plain"},       {'-', NULL},
	};
	static const char letters[] = "-veat";
	const char *owner = head[0] ? strchr(letters, head[0]) : NULL;

	if (!owner)
		return false;
	r->owner = (enum service_owner)(owner - letters);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].letter == head[1]) {
			r->type = types[i].type;
			return true;
		}
	return false;
}

bool owners_parse(char *text, size_t len, struct owner_request *ret)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};
	char *end = memchr(text, '\n', len), *path;

	*ret = (struct owner_request){.owner = SERVICE_NOBODY};
	if (!end || end - text < 3 || !take_head(text, ret))
		return false;
	*end = '\0';
	path = strchr(text, ' ');
	if (!path)
		return false;
	*path++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(text + 2, methods[i]) == 0)
			ret->method = methods[i];
	ret->path = path;
	ret->query = strchr(path, '?');
	if (ret->query)
		*ret->query++ = '\0';
	ret->body = end + 1;
	ret->len = len - (size_t)(end + 1 - text);
	return ret->method;
}

void owners_ask(const struct owner_request *request, struct owner_reply *ret)
{
	struct answer a = {.json = NULL};
	struct exchange *x;
	unsigned int status;

	*ret = (struct owner_reply){.status = 0};
	owners.request = request;
	owners.reply = ret;
	x = owner_exchange_new(&owners.front, NULL, request->method, request->path);
	FUZZ_ASSERT(x);
	status = owner_judge(x, &a);
	if (status != 0) {
		__wrap_owner_answer(x, status, &a);
	} else {
		size_t half = request->len / 2;

		if (request->len > 1)
			owner_exchange_take(x, request->body, half);
		if (request->len > 0)
			owner_exchange_take(x, request->body + half, request->len - half);
		FUZZ_ASSERT(owner_exchange_run(x) == MHD_YES);
	}
	for (int turns = 0; ret->status == 0; turns++) {
		FUZZ_ASSERT(turns < TURNS_MAX && sd_event_run(owners.front.event, 0) >= 0);
		if (!x->is_aside && ret->status == 0)
			FUZZ_ASSERT(owner_exchange_run(x) == MHD_YES);
	}
	owner_exchange_free(x);
	FUZZ_ASSERT(!owners.front.exchanges && owners.front.held == 0);
}

void owner_reply_done(struct owner_reply *r)
{
	json_decref(TAKE_PTR(r->json));
	free(TAKE_PTR(r->text));
}

void owner_reply_check(const struct owner_reply *r)
{
	static const unsigned int documented[] = {200, 201, 202, 204, 302, 400, 401, 403,
						  404, 405, 409, 413, 415, 422, 429};
	_cleanup_(freep) char *text = r->json ? json_dumps(r->json, 0) : NULL;
	json_auto_t *again = text ? json_loads(text, 0, NULL) : NULL;
	bool is_documented = false;

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		is_documented = is_documented || r->status == documented[i];
	FUZZ_ASSERT(is_documented);
	FUZZ_ASSERT(!r->json || json_equal(r->json, again));
	FUZZ_ASSERT(r->status != 204 || (!r->json && !r->text));
	if (r->status < 400)
		return;
	FUZZ_ASSERT(json_is_string(json_object_get(r->json, "type")));
	FUZZ_ASSERT(json_string_length(json_object_get(r->json, "title")) > 0);
	FUZZ_ASSERT(json_string_length(json_object_get(r->json, "detail")) > 0);
	FUZZ_ASSERT(json_integer_value(json_object_get(r->json, "status")) == r->status);
}
