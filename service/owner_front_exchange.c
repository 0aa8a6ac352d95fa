/* SPDX-License-Identifier: Apache-2.0 */

/* The course of one request: its body, its handler, and what is put aside. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/owner_front_private.h"

/* ---- life ---- */

struct forwarded_list {
	char text[FORWARDED_LIST_MAX];
	size_t len;
	bool is_too_long;
};

static enum MHD_Result append_forwarded(void *userdata, enum MHD_ValueKind kind, const char *key,
					const char *value)
{
	struct forwarded_list *list = userdata;
	size_t left = sizeof(list->text) - list->len;
	int n;

	(void)kind;
	if (strcasecmp(key, "X-Forwarded-For") != 0)
		return MHD_YES;
	n = snprintf(list->text + list->len, left, "%s%s", list->len > 0 ? "," : "",
		     value ? value : "");
	list->is_too_long = n < 0 || (size_t)n >= left;
	if (list->is_too_long)
		return MHD_NO;
	list->len += (size_t)n;
	return MHD_YES;
}

static void name_client(struct exchange *x)
{
	const struct forwarded_proxies *proxies = x->front->config.proxies;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	struct forwarded_list list = {0};
	union address peer = {0};

	_Static_assert(sizeof(x->address) == FORWARDED_ADDRESS_TEXT, "");
	if (sa && sa->sa_family == AF_INET)
		memcpy(&peer.in, sa, sizeof(peer.in));
	else if (sa && sa->sa_family == AF_INET6)
		memcpy(&peer.in6, sa, sizeof(peer.in6));
	else
		return;
	if (proxies && forwarded_is_ours(proxies, &peer)) {
		MHD_get_connection_values(x->connection, MHD_HEADER_KIND, append_forwarded, &list);
		forwarded_client(proxies, &peer, list.is_too_long ? NULL : list.text, x->address);
	} else {
		address_host(&peer, x->address, sizeof(x->address));
	}
}

struct exchange *owner_exchange_new(struct owner_front *f, struct MHD_Connection *connection,
				    const char *method, const char *path)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->front = f;
	x->connection = connection;
	x->method = method;
	x->path = path;
	x->began_ms = clock_ms();
	name_client(x);
	x->next = f->exchanges;
	if (x->next)
		x->next->previous = x;
	f->exchanges = x;
	return x;
}

/* A password may have been in it. */
static void body_free(struct exchange *x)
{
	if (x->body)
		secret_wipe(x->body, x->len);
	free(x->body);
	x->body = NULL;
}

void owner_exchange_free(struct exchange *x)
{
	sd_event_source_disable_unref(x->slices);
	if (x->job.free)
		x->job.free(x->job.data);
	if (x->stream.free)
		x->stream.free(x->stream.data);
	answer_done(&x->answer);
	if (x->next)
		x->next->previous = x->previous;
	if (x->previous)
		x->previous->next = x->next;
	else
		x->front->exchanges = x->next;
	x->front->held -= x->size;
	for (size_t i = 0; i < QUERY_N; i++)
		free(x->query[i]);
	body_free(x);
	free(x);
}

/* ---- the body ---- */

/* 0, or the status that the request ends with. */
static unsigned int make_room(struct exchange *x, size_t len)
{
	struct owner_front *f = x->front;
	size_t size;
	char *body;

	if (len > x->max - x->len)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	if (x->len + len <= x->size)
		return 0;
	size = MIN(MAX(x->len + len, x->size * 2), x->max);
	if (size - x->size > OWNER_HELD_MAX - f->held)
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	body = malloc(size);
	if (!body)
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	if (x->len > 0)
		memcpy(body, x->body, x->len);
	body_free(x);
	f->held += size - x->size;
	x->body = body;
	x->size = size;
	return 0;
}

enum MHD_Result owner_exchange_take(struct exchange *x, const char *data, size_t len)
{
	if (clock_ms() - x->began_ms > x->front->config.body_time_ms)
		return MHD_NO;
	/* A body that nobody asked for is read and dropped. */
	if (x->kind == BODY_NONE || x->refusal || x->is_answered)
		return MHD_YES;
	x->refusal = make_room(x, len);
	if (x->refusal)
		return MHD_YES;
	memcpy(x->body + x->len, data, len);
	x->len += len;
	return MHD_YES;
}

static const char *refusal_text(unsigned int status)
{
	switch (status) {
	case MHD_HTTP_CONTENT_TOO_LARGE:
		return "the body is too large";
	default:
		return "too many large requests at a time: try again";
	}
}

/* ---- the handler ---- */

/* 0, or the status of the problem in ret. */
static unsigned int read_json(const struct exchange *x, json_t **ret_body, struct answer *ret)
{
	json_error_t error;
	json_auto_t *body = NULL;
	size_t flags = JSON_REJECT_DUPLICATES;

	if (x->route->body & BODY_ANY_JSON)
		flags |= JSON_DECODE_ANY;
	body = json_loadb(x->body ? x->body : "", x->len, flags, &error);
	if (!body)
		return core_problem(400, &ret->json, "the body is not JSON: %s", error.text);
	if (!(x->route->body & BODY_ANY_JSON) && !json_is_object(body))
		return core_problem(400, &ret->json, "the body is not a JSON object");
	*ret_body = TAKE_PTR(body);
	return 0;
}

static unsigned int call(struct exchange *x, struct answer *ret)
{
	json_auto_t *body = NULL;
	const struct owner_front_config *config = &x->front->config;
	struct router_call c = {
		.core = x->front->core,
		.portal = config->portal,
		.devices = &x->front->devices,
		.exchange = x,
		.owner = &x->owner,
		.params = &x->params,
		.query = x->query,
		.kind = x->kind,
		.bytes = x->body ? x->body : "",
		.len = x->len,
	};
	unsigned int status;

	if (x->refusal)
		return core_problem(x->refusal, &ret->json, "%s", refusal_text(x->refusal));
	if (x->tree)
		return x->tree->run(x->tree->userdata, x, x->path + strlen(x->tree->prefix), ret);
	if (x->kind == BODY_JSON) {
		status = read_json(x, &body, ret);
		if (status)
			return status;
		c.body = body;
	}
	return x->route->run(&c, ret);
}

static enum MHD_Result finish(struct exchange *x, unsigned int status, struct answer *a)
{
	const char *what = x->route ? x->route->pattern : x->tree ? x->tree->prefix : "-";

	if (status >= 500)
		log_warning("owner-failed status=%u method=%s path=%s actor=%s", status, x->method,
			    what, x->owner.actor);
	return owner_answer(x, status, a);
}

/* The library closes a connection that is answered before its body was read, and may reset it under
 * a client that is still sending: what is short is read first, and the connection is kept. */
#define DRAIN_MAX 65536

enum MHD_Result owner_exchange_refuse(struct exchange *x, unsigned int status, struct answer *a)
{
	const char *length = exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (exchange_header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	    (length && strtoull(length, NULL, 10) > DRAIN_MAX))
		return finish(x, status, a);
	x->is_answered = true;
	x->status = status;
	x->answer = *a;
	memset(a, 0, sizeof(*a));
	return MHD_YES;
}

enum MHD_Result owner_exchange_run(struct exchange *x)
{
	struct answer a = {.json = NULL};
	unsigned int status;

	if (x->is_answered)
		return finish(x, x->status, &x->answer);
	status = call(x, &a);
	if (status != EXCHANGE_LATER)
		return finish(x, status, &a);
	assert(x->job.free);
	answer_done(&a);
	if (x->is_answered)
		return finish(x, x->status, &x->answer);
	x->is_aside = true;
	MHD_suspend_connection(x->connection);
	return MHD_YES;
}

/* ---- put aside ---- */

static int on_slice(sd_event_source *source, void *userdata);

/* A source of its own for each slice: one that stays would always be the one that has waited
 * longest, and everything else would wait for the end of the list. */
static int slice_arm(struct exchange *x)
{
	x->slices = sd_event_source_disable_unref(x->slices);
	return sd_event_add_defer(x->front->event, &x->slices, on_slice, x);
}

static int on_slice(sd_event_source *source, void *userdata)
{
	struct exchange *x = userdata;
	struct answer a = {.json = NULL};
	unsigned int status;

	(void)source;
	status = x->job.step(x->job.data, &a);
	if (status == EXCHANGE_LATER && slice_arm(x) < 0)
		status = core_problem(500, &a.json, "no memory: some of the list is done");
	if (status != EXCHANGE_LATER)
		exchange_answer(x, status, &a);
	return 0;
}

void exchange_later(struct exchange *x, const struct exchange_job *job)
{
	assert(!x->job.free && job->free);
	x->job = *job;
	if (!job->step || slice_arm(x) >= 0)
		return;
	x->status = core_problem(500, &x->answer.json, "no memory");
	x->is_answered = true;
}

void owner_exchange_resume(struct exchange *x)
{
	if (!x->is_aside)
		return;
	x->is_aside = false;
	MHD_resume_connection(x->connection);
	http_loop_soon(&x->front->loop);
}

void exchange_answer(struct exchange *x, unsigned int status, struct answer *answer)
{
	x->slices = sd_event_source_disable_unref(x->slices);
	x->answer = *answer;
	memset(answer, 0, sizeof(*answer));
	x->status = status;
	x->is_answered = true;
	owner_exchange_resume(x);
}

void exchange_wake(struct exchange *x)
{
	if (x->stream.read)
		owner_exchange_resume(x);
}

/* ---- what it says ---- */

const char *exchange_method(const struct exchange *x)
{
	return x->method;
}

const char *exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *exchange_header(const struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

const char *exchange_bearer(const struct exchange *x)
{
	const char *value = exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);

	if (!value || strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	value += 7;
	return value + strspn(value, " ");
}

const char *exchange_cookie(const struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_COOKIE_KIND, name);
}

const char *exchange_address(const struct exchange *x)
{
	return x->address;
}

bool exchange_is_tls(const struct exchange *x)
{
	return x->front->has_tls;
}

sd_event *exchange_event(const struct exchange *x)
{
	return x->front->event;
}
