/* SPDX-License-Identifier: Apache-2.0 */
#include "session/https.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

/* The service forgets a connection after 15 s; nothing is gained by keeping it for longer. */
#define IDLE_US (UINT64_C(15) * 1000000)
#define PROBE_MAX 4096
#define REPLY_MAX 65536
#define LOGIN_MAX 512 /* of a proxy: "user:password" */

static struct https_line *https_of(struct line *l)
{
	return (struct https_line *)l;
}

/* ---- requests ---- */

static void request_free(struct https_request *r)
{
	free(r->url);
	free(r->body);
	free(r->answer);
	free(r);
}

static void append(struct https_request **list, struct https_request *r)
{
	while (*list)
		list = &(*list)->next;
	r->next = NULL;
	*list = r;
}

static bool take_out(struct https_request **list, const struct https_request *r)
{
	for (; *list; list = &(*list)->next)
		if (*list == r) {
			*list = r->next;
			return true;
		}
	return false;
}

static int request_make(struct https_line *h, const struct twin *twin,
			const struct request *request, struct https_request **ret)
{
	const struct session_config *c = h->line.config;
	const char *query = request ? request->query : NULL;
	struct https_request *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->base.line = &h->line;
	r->twin = twin;
	r->content_format = request ? request->content_format : -1;
	r->accept = request ? request->accept : -1;
	r->answer_max = !request ? PROBE_MAX : request->max_reply ? request->max_reply : REPLY_MAX;
	if (asprintf(&r->url, "https://%s:%u%s%s%s", c->server, c->https_port,
		     twin ? twin->http_path : twin_find(1, "p/cmd")->http_path, query ? "?" : "",
		     query ? query : "") < 0) {
		r->url = NULL;
		request_free(r);
		return -ENOMEM;
	}
	if (request && !twin->is_login && request->payload_len > 0) {
		r->body = malloc(request->payload_len);
		if (!r->body) {
			request_free(r);
			return -ENOMEM;
		}
		memcpy(r->body, request->payload, request->payload_len);
		r->body_len = request->payload_len;
	}
	*ret = r;
	return 0;
}

/* All requests end with result; nothing is connected any more. */
static void down(struct https_line *h, int result)
{
	struct https_request *r;

	while ((r = h->queue)) {
		h->queue = r->next;
		https_transfer_drop(h, r);
		r->result = result;
		append(&h->finished, r);
	}
	https_loop_close(h);
	h->line.state = SESSION_CLOSED;
}

static void deliver(struct https_line *h)
{
	struct https_request *r;

	while ((r = h->finished)) {
		h->finished = r->next;
		if (r->base.fn)
			r->base.fn(h->line.session, r->result, r->result == 0 ? &r->reply : NULL,
				   r->base.userdata);
		request_free(r);
	}
}

/* One at a time, as over CoAP: they share a connection. */
static void pump(struct https_line *h)
{
	int e;

	if (!h->queue || h->queue->easy)
		return;
	e = https_transfer_start(h, h->queue);
	if (e < 0)
		down(h, e);
}

/* ---- connecting ---- */

static void say(const struct https_line *h, const char *why, char *ret, size_t size)
{
	const struct session_config *c = h->line.config;

	snprintf(ret, size, "%s (HTTPS port %u%s%.100s): %s", c->server, c->https_port,
		 c->proxy ? " through " : "", c->proxy ? c->proxy : "", why);
}

/* May free the line: nothing may follow. */
static void connect_failed(struct https_line *h, int result, const char *why)
{
	char detail[512];

	h->resolve = resolve_free(h->resolve);
	down(h, result);
	say(h, why, detail, sizeof(detail));
	session_line_connected(&h->line, result, detail);
}

/* Whom to resolve: the proxy resolves the server itself. */
static int target(const struct https_line *h, char *host, size_t size, uint16_t *ret_port)
{
	const struct session_config *c = h->line.config;
	uint64_t port = 0;
	const char *colon;

	if (!c->proxy) {
		snprintf(host, size, "%s", c->server);
		*ret_port = c->https_port;
		return 0;
	}
	colon = strrchr(c->proxy, ':');
	if (strncmp(c->proxy, "http://", 7) != 0 || !colon || colon < c->proxy + 8 ||
	    (size_t)(colon - c->proxy - 7) >= size ||
	    decimal_parse(colon + 1, strlen(colon + 1), UINT16_MAX, &port) != 0 || port == 0)
		return -EINVAL;
	snprintf(host, size, "%.*s", (int)(colon - c->proxy - 7), c->proxy + 7);
	*ret_port = (uint16_t)port;
	return 0;
}

/* As CURLOPT_RESOLVE wants it: "HOST:PORT:ADDRESS,ADDRESS". */
static int keep_addresses(struct https_line *h, const struct resolve_address *addresses, size_t n)
{
	char text[320 + RESOLVE_MAX * (RESOLVE_TEXT_MAX + 3)], one[RESOLVE_TEXT_MAX], host[260];
	struct curl_slist *list;
	uint16_t port;
	size_t len;
	int e = target(h, host, sizeof(host), &port);

	if (e < 0)
		return e;
	len = (size_t)snprintf(text, sizeof(text), "%s:%u:", host, port);
	for (size_t i = 0; i < n; i++) {
		const bool is_v6 = addresses[i].any.sa_family == AF_INET6;

		resolve_format(&addresses[i], one);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s%s",
					i > 0 ? "," : "", is_v6 ? "[" : "", one, is_v6 ? "]" : "");
	}
	list = h->curl.slist_append(NULL, text);
	if (!list)
		return -ENOMEM;
	h->curl.slist_free_all(h->addresses);
	h->addresses = list;
	return 0;
}

/* Asks for commands without a token: a service that has them refuses that. */
static void probe(struct https_line *h)
{
	struct https_request *r = NULL;
	int e = request_make(h, NULL, NULL, &r);

	if (e == 0) {
		append(&h->queue, r);
		e = https_transfer_start(h, r);
	}
	if (e < 0)
		connect_failed(h, e, strerror(-e));
}

static void on_resolved(const struct resolve_address *addresses, size_t n, const char *detail,
			void *userdata)
{
	struct https_line *h = userdata;
	int e = n > 0 ? keep_addresses(h, addresses, n) : 0;

	if (n == 0 || e < 0) {
		connect_failed(h, n == 0 ? SESSION_E_RESOLVE : e,
			       n > 0     ? strerror(-e)
			       : *detail ? detail
					 : "no address");
		return;
	}
	h->resolve = resolve_free(h->resolve);
	probe(h);
}

static int read_proxy_login(struct https_line *h)
{
	const char *path = h->line.config->proxy_file;
	size_t len;
	int e;

	secret_done(&h->proxy_login);
	if (!h->line.config->proxy || !path)
		return 0;
	e = file_read(path, LOGIN_MAX, &h->proxy_login);
	if (e < 0)
		return e;
	len = h->proxy_login.len;
	while (len > 0 &&
	       (h->proxy_login.data[len - 1] == '\n' || h->proxy_login.data[len - 1] == '\r'))
		h->proxy_login.data[--len] = '\0';
	h->proxy_login.len = len;
	return memchr(h->proxy_login.data, ':', len) && strlen((char *)h->proxy_login.data) == len
		       ? 0
		       : -EINVAL;
}

static void begin(struct https_line *h)
{
	const struct session_config *c = h->line.config;
	struct resolve_address address;
	char host[260], why_text[400];
	const char *why = "";
	const char *name = host;
	uint16_t port = 0;
	int e = 0;

	if (!h->has_curl)
		e = https_curl_load(&h->curl, &why);
	if (e < 0) {
		connect_failed(h, e, why);
		return;
	}
	h->has_curl = true;
	e = read_proxy_login(h);
	if (e < 0) {
		snprintf(why_text, sizeof(why_text), "%s: %s", c->proxy_file,
			 e == -EINVAL ? "not user:password" : strerror(-e));
		connect_failed(h, e, why_text);
		return;
	}
	e = target(h, host, sizeof(host), &port);
	if (!c->proxy && c->address)
		name = c->address;
	if (e == 0 && resolve_literal(name, port, &address) == 0) {
		on_resolved(&address, 1, "", h);
		return;
	}
	if (e == 0)
		e = resolve_new(h->line.event, name, port, c->handshake_timeout_ms, on_resolved, h,
				&h->resolve);
	if (e < 0)
		connect_failed(h, e, strerror(-e));
}

static int https_connect(struct line *l)
{
	struct https_line *h = https_of(l);

	l->state = SESSION_CONNECTING;
	secret_done(&h->token);
	https_later(h);
	return 0;
}

void https_on_later(struct https_line *h)
{
	struct session *s = h->line.session;

	session_ref(s);
	if (h->line.state == SESSION_CONNECTING && !h->queue && !h->resolve) {
		begin(h);
	} else {
		pump(h);
		deliver(h);
	}
	session_unref(s);
}

/* May free the line: nothing may follow. */
static void connected(struct https_line *h, int result, const char *why)
{
	char detail[512];

	if (result == 0) {
		h->line.state = SESSION_OPEN;
		session_line_connected(&h->line, 0, "");
		return;
	}
	down(h, result);
	say(h, why, detail, sizeof(detail));
	session_line_connected(&h->line, result, detail);
}

/* Busy or not, it is there; where the path is unknown, or elsewhere, it is not. */
static int judge_probe(struct https_request *r)
{
	if (r->result != 0 || (r->status / 100 != 3 && r->status != 404 && r->status != 405))
		return r->result;
	snprintf(r->error, sizeof(r->error), "no provisioning service there (%ld)", r->status);
	return SESSION_E_UNREACHABLE;
}

static void on_done(struct https_line *h, struct https_request *r, CURLcode code)
{
	https_transfer_end(h, r, code);
	(void)take_out(&h->queue, r);
	if (!r->twin) {
		char why[CURL_ERROR_SIZE];
		int result = judge_probe(r);

		snprintf(why, sizeof(why), "%s", r->error);
		request_free(r);
		connected(h, result, why);
		return;
	}
	append(&h->finished, r);
	if (r->result == 0 || r->result == SESSION_E_TOO_LARGE || r->result == SESSION_E_PROTOCOL)
		return;
	log_debug("session %s: HTTPS: %s", h->line.config->name, r->error);
	down(h, r->result);
}

void https_turn(struct https_line *h)
{
	struct session *s = h->line.session;
	CURLMsg *message;
	int left;

	session_ref(s);
	while (h->multi && (message = h->curl.multi_info_read(h->multi, &left)))
		if (message->msg == CURLMSG_DONE && h->queue &&
		    h->queue->easy == message->easy_handle)
			on_done(h, h->queue, message->data.result);
	deliver(h);
	pump(h);
	if (h->finished)
		https_later(h);
	session_unref(s);
}

/* ---- of struct line_ops ---- */

static bool https_is_heard(const struct line *l)
{
	(void)l;
	return false; /* its own time limits are short enough */
}

static int https_request(struct line *l, const struct request *request, session_reply_fn fn,
			 void *userdata, struct session_request **ret)
{
	const struct twin *twin = twin_find(request->code, request->path);
	struct https_line *h = https_of(l);
	struct https_request *r = NULL;
	int e;

	if (!twin)
		return -EINVAL;
	if (twin->is_login) {
		e = secret_set(&h->token, request->payload, request->payload_len);
		if (e < 0)
			return e;
	}
	e = request_make(h, twin, request, &r);
	if (e < 0)
		return e;
	r->base.fn = fn;
	r->base.userdata = userdata;
	append(&h->queue, r);
	https_later(h);
	if (ret)
		*ret = &r->base;
	return 0;
}

static void https_cancel(struct session_request *request)
{
	struct https_request *r = (struct https_request *)request;
	struct https_line *h = https_of(request->line);

	https_transfer_drop(h, r);
	if (take_out(&h->queue, r) || take_out(&h->finished, r))
		request_free(r);
	https_later(h);
}

static int https_put_away(struct line *l, bool tell)
{
	struct https_line *h = https_of(l);

	if (h->queue)
		return SESSION_E_NOT_SUSPENDABLE;
	l->state = SESSION_SUSPENDED;
	/* While credentials are written nothing waits on the network; between polls the connection
	 * may serve the next one. */
	if (tell || sd_event_source_set_time_relative(h->idle, IDLE_US) < 0 ||
	    sd_event_source_set_enabled(h->idle, SD_EVENT_ONESHOT) < 0)
		https_loop_close(h);
	return 0;
}

static int https_resume(struct line *l)
{
	struct https_line *h = https_of(l);

	(void)sd_event_source_set_enabled(h->idle, SD_EVENT_OFF);
	h->resumes++;
	l->state = SESSION_OPEN;
	return 0;
}

static int https_adopt(struct line *l)
{
	(void)l;
	return SESSION_E_NOT_RESUMABLE;
}

static void https_close(struct line *l)
{
	struct https_line *h = https_of(l);
	struct https_request *first = h->queue;

	h->resolve = resolve_free(h->resolve);
	if (first && !first->twin) {
		https_transfer_drop(h, first);
		h->queue = first->next;
		request_free(first);
	}
	down(h, SESSION_E_CANCELLED);
	secret_done(&h->token);
	secret_done(&h->proxy_login);
	deliver(h);
}

static void https_get_stats(const struct line *l, struct session_stats *ret)
{
	const struct https_line *h = (const struct https_line *)l;

	*ret = (struct session_stats){
		.handshakes_full = h->handshakes, .resumes = h->resumes, .round_trips = h->answers};
}

static const char *https_suite(const struct line *l)
{
	return l->config->proxy ? "HTTPS through a proxy" : "HTTPS";
}

static void https_free(struct line *l)
{
	struct https_line *h = https_of(l);
	struct https_request *r;

	resolve_free(h->resolve);
	if (h->has_curl)
		down(h, SESSION_E_CANCELLED);
	while ((r = h->finished)) {
		h->finished = r->next;
		request_free(r);
	}
	https_loop_done(h);
	if (h->has_curl)
		h->curl.slist_free_all(h->addresses);
	secret_done(&h->token);
	secret_done(&h->proxy_login);
	free(h);
}

static const struct line_ops ops = {
	.connect = https_connect,
	.is_heard = https_is_heard,
	.request = https_request,
	.cancel = https_cancel,
	.put_away = https_put_away,
	.resume = https_resume,
	.adopt = https_adopt,
	.close = https_close,
	.get_stats = https_get_stats,
	.suite = https_suite,
	.free = https_free,
};

int https_line_new(const struct line *base, struct line **ret)
{
	struct https_line *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->line = *base;
	h->line.ops = &ops;
	h->token = SECRET_INIT;
	h->proxy_login = SECRET_INIT;
	r = https_loop_init(h);
	if (r < 0) {
		https_free(&h->line);
		return r;
	}
	*ret = &h->line;
	return 0;
}
