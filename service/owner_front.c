/* SPDX-License-Identifier: Apache-2.0 */
#include "service/owner_front.h"

#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/address.h"
#include "service/certfile.h"
#include "service/router.h"

#define CONNECTIONS_MAX 512
#define CONNECTIONS_PER_ADDRESS_MAX 64
#define CONNECTION_MEMORY 32768 /* request line, headers and what is read at once */
#define CONNECTION_TIMEOUT_S 15
#define API_KEY_MAX 128
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

struct owner_front {
	struct core *core; /* borrowed */
	struct certfile cert;
	bool has_tls;
	size_t max_body;
	uint16_t port;
	struct MHD_Daemon *daemon;
	sd_event_source *io, *timer;
};

/* One request, from its headers to its answer. */
struct exchange {
	const struct router_route *route;
	struct router_params params;
	struct core_owner owner;
	uint8_t *body; /* owned */
	size_t len, size;
	bool is_too_large;
};

/* ---- answers ---- */

static const struct {
	const char *name, *value;
} fixed_headers[] = {
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
	{"X-Content-Type-Options", "nosniff"},
	{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "no-referrer"},
};

static bool add_headers(const struct owner_front *f, struct MHD_Response *response,
			unsigned int status, const char *allow)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed_headers); i++)
		if (MHD_add_response_header(response, fixed_headers[i].name,
					    fixed_headers[i].value) != MHD_YES)
			return false;
	if (f->has_tls && MHD_add_response_header(response, "Strict-Transport-Security",
						  "max-age=31536000") != MHD_YES)
		return false;
	if (status == MHD_HTTP_UNAUTHORIZED &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
				    "Bearer realm=\"onboard-service\"") != MHD_YES)
		return false;
	return !allow || MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow) == MHD_YES;
}

/* Takes the reference to json over; NULL sends no body. */
static enum MHD_Result answer(const struct owner_front *f, struct MHD_Connection *connection,
			      unsigned int status, json_t *json, const char *allow)
{
	const char *type = status >= 400 ? "application/problem+json" : "application/json";
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct MHD_Response *response;
	enum MHD_Result r = MHD_NO;

	if (json && !text)
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	json_decref(json);
	response = MHD_create_response_from_buffer(text ? strlen(text) : 0, text,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	if ((!text ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES) &&
	    add_headers(f, response, status, allow))
		r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result problem(const struct owner_front *f, struct MHD_Connection *connection,
			       unsigned int status, const char *allow, const char *detail)
{
	json_t *json = NULL;

	status = core_problem(status, &json, "%s", detail);
	return answer(f, connection, status, json, allow);
}

/* ---- what is known when the headers are ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The media type alone decides; parameters such as charset are allowed. */
static bool is_media_type(const char *value, const char *type)
{
	size_t len = strlen(type);

	return strncasecmp(value, type, len) == 0 &&
	       (value[len] == '\0' || value[len] == ';' || value[len] == ' ');
}

static bool is_json(const struct router_route *route, struct MHD_Connection *connection)
{
	const char *type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);

	if (!type)
		return false;
	return is_media_type(type, "application/json") ||
	       (strcmp(route->method, "PATCH") == 0 &&
		is_media_type(type, "application/merge-patch+json"));
}

static enum core_verdict identify(const struct owner_front *f, struct MHD_Connection *connection,
				  struct core_owner *ret)
{
	const char *value = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);

	if (!value || strncasecmp(value, "Bearer ", 7) != 0)
		return CORE_REJECTED;
	value += 7;
	value += strspn(value, " ");
	if (!*value || strlen(value) > API_KEY_MAX)
		return CORE_REJECTED;
	return core_owner_of_key(f->core, value, ret);
}

/* Refuses what the headers alone are enough to refuse; 0 to go on. */
static unsigned int judge(const struct owner_front *f, struct exchange *x,
			  struct MHD_Connection *connection, const char *method, const char *path,
			  char allow[static ROUTER_ALLOW_MAX], const char **ret_detail)
{
	enum router_verdict found;
	enum core_verdict verdict;
	const char *length;

	found = router_find(method, path, &x->route, &x->params, allow);
	if (found == ROUTER_NO_PATH) {
		*ret_detail = "no such resource";
		return MHD_HTTP_NOT_FOUND;
	}
	if (found == ROUTER_NO_METHOD) {
		*ret_detail = "this resource does not know the method";
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	}
	verdict = identify(f, connection, &x->owner);
	if (verdict == CORE_FAILED) {
		*ret_detail = "the API key cannot be checked now";
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	if (verdict != CORE_OK) {
		*ret_detail = "send \"Authorization: Bearer\" with a valid API key";
		return MHD_HTTP_UNAUTHORIZED;
	}
	if (router_role_parse(x->owner.role) < x->route->role) {
		*ret_detail = "the role of this API key does not allow it";
		return MHD_HTTP_FORBIDDEN;
	}
	if (found == ROUTER_BAD_PARAMETER) {
		*ret_detail = "the path must name a device by its UUID and a command by its id";
		return MHD_HTTP_BAD_REQUEST;
	}
	if (!x->route->has_body)
		return 0;
	if (!is_json(x->route, connection)) {
		*ret_detail = "the body must be application/json";
		return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
	}
	length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (length && strtoull(length, NULL, 10) > f->max_body) {
		*ret_detail = "the body is too large";
		return MHD_HTTP_CONTENT_TOO_LARGE;
	}
	return 0;
}

/* ---- the body ---- */

/* A body that the route does not take is read and dropped. */
static void take(const struct owner_front *f, struct exchange *x, const char *data, size_t len)
{
	uint8_t *body;
	size_t size;

	if (!x->route->has_body)
		return;
	if (x->is_too_large || len > f->max_body - x->len) {
		x->is_too_large = true;
		return;
	}
	if (x->len + len > x->size) {
		size = MIN(MAX(x->len + len, x->size * 2), f->max_body);
		body = realloc(x->body, size);
		if (!body) {
			x->is_too_large = true;
			return;
		}
		x->body = body;
		x->size = size;
	}
	memcpy(x->body + x->len, data, len);
	x->len += len;
}

static enum MHD_Result run(const struct owner_front *f, struct exchange *x,
			   struct MHD_Connection *connection)
{
	_cleanup_(json_decrefp) json_t *body = NULL;
	struct router_call call = {.core = f->core, .owner = &x->owner, .params = &x->params};
	json_t *json = NULL;
	json_error_t error;
	unsigned int status;

	if (x->is_too_large)
		return problem(f, connection, MHD_HTTP_CONTENT_TOO_LARGE, NULL,
			       "the body is too large");
	if (x->route->has_body) {
		body = json_loadb(x->body ? (const char *)x->body : "", x->len,
				  JSON_REJECT_DUPLICATES, &error);
		if (!body || !json_is_object(body)) {
			status = core_problem(MHD_HTTP_BAD_REQUEST, &json,
					      "the body is not a JSON object: %s",
					      body ? "it is an array" : error.text);
			return answer(f, connection, status, json, NULL);
		}
		call.body = body;
	}
	status = x->route->run(&call, &json);
	if (status >= 500)
		log_warning("owner-failed status=%u method=%s pattern=%s key=%s", status,
			    x->route->method, x->route->pattern, x->owner.key_id);
	return answer(f, connection, status, json, NULL);
}

/* ---- libmicrohttpd ---- */

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload_data,
				  size_t *upload_len, void **state)
{
	struct owner_front *f = cls;
	struct exchange *x = *state;
	char allow[ROUTER_ALLOW_MAX] = "";
	const char *detail = NULL;
	unsigned int status;

	(void)version;
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return MHD_NO;
		*state = x;
		status = judge(f, x, connection, method, url, allow, &detail);
		if (status == 0)
			return MHD_YES;
		return problem(f, connection, status,
			       status == MHD_HTTP_METHOD_NOT_ALLOWED ? allow : NULL, detail);
	}
	if (*upload_len > 0) {
		take(f, x, upload_data, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	return run(f, x, connection);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	(void)cls;
	(void)connection;
	(void)code;
	if (x)
		free(x->body);
	free(x);
	*state = NULL;
}

/* No parameter of ours needs percent-encoding; decoding would only make two spellings of one path.
 */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static void on_log(void *cls, const char *format, va_list ap) _printf_(2, 0);

static void on_log(void *cls, const char *format, va_list ap)
{
	char line[256];

	(void)cls;
	if (vsnprintf(line, sizeof(line), format, ap) > 0)
		log_debug("libmicrohttpd: %.*s", (int)strcspn(line, "\n"), line);
}

/* ---- the loop ---- */

static int turn(struct owner_front *f)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	uint64_t now_us;
	int r;

	if (MHD_run(f->daemon) != MHD_YES)
		log_warning("owner-front: libmicrohttpd cannot go on with a connection, ignoring");
	if (MHD_get_timeout(f->daemon, &timeout_ms) != MHD_YES)
		return sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
	r = sd_event_now(sd_event_source_get_event(f->timer), CLOCK_MONOTONIC, &now_us);
	if (r < 0)
		return r;
	r = sd_event_source_set_time(f->timer, now_us + timeout_ms * 1000);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	return turn(userdata);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *userdata)
{
	(void)source;
	(void)at_us;
	return turn(userdata);
}

/* ---- set-up ---- */

static int refuse(char **ret_detail, const char *what, const char *why)
{
	char *detail;

	if (asprintf(&detail, "%s: %s", what, why) < 0)
		return -ENOMEM;
	*ret_detail = detail;
	return OWNER_FRONT_E_REFUSED;
}

static int open_listener(const struct owner_front_config *config, uint16_t *ret_port, int *ret_fd,
			 char **ret_detail)
{
	_cleanup_(closep) int fd = -1;
	union address address;
	socklen_t len;
	int one = 1;

	if (address_parse(config->listen, &address, &len) < 0)
		return refuse(ret_detail, config->listen, "not ADDRESS:PORT or [ADDRESS]:PORT");
	if (!config->cert_file && !address_is_loopback(&address))
		return refuse(ret_detail, config->listen,
			      "without a certificate only loopback addresses are allowed: API keys "
			      "would travel in clear");
	fd = socket(address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(fd, &address.sa, len) < 0 || listen(fd, SOMAXCONN) < 0)
		return refuse(ret_detail, config->listen, strerror(errno));
	len = sizeof(address);
	if (getsockname(fd, &address.sa, &len) < 0)
		return -errno;
	*ret_port = address_port(&address);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int start_daemon(struct owner_front *f, int fd)
{
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, f->cert.cert.data},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, f->cert.key.data},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (char[]){PRIORITIES}},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;

	if (f->has_tls)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	f->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, f, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_PER_ADDRESS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)CONNECTION_TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	return f->daemon ? 0 : -EIO;
}

static int join_loop(struct owner_front *f, sd_event *event)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(f->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info || info->epoll_fd < 0)
		return -ENOTSUP;
	r = sd_event_add_io(event, &f->io, info->epoll_fd, EPOLLIN, on_io, f);
	if (r < 0)
		return r;
	r = sd_event_add_time(event, &f->timer, CLOCK_MONOTONIC, 0, 1, on_timer, f);
	return r < 0 ? r : 0;
}

int owner_front_new(sd_event *event, struct core *core, const struct owner_front_config *config,
		    struct owner_front **ret, char **ret_detail)
{
	_cleanup_(owner_front_freep) struct owner_front *f = calloc(1, sizeof(*f));
	_cleanup_(closep) int fd = -1;
	int r;

	if (!f)
		return -ENOMEM;
	f->core = core;
	f->max_body = config->max_body;
	f->has_tls = config->cert_file;
	if (f->has_tls) {
		r = certfile_load(config->cert_file, config->key_file, &f->cert, ret_detail);
		if (r != 0)
			return r < 0 ? r : OWNER_FRONT_E_REFUSED;
	}
	r = open_listener(config, &f->port, &fd, ret_detail);
	if (r != 0)
		return r;
	r = start_daemon(f, fd);
	if (r < 0)
		return refuse(ret_detail, config->listen, "libmicrohttpd cannot start");
	fd = -1; /* the daemon's now */
	r = join_loop(f, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

struct owner_front *owner_front_free(struct owner_front *f)
{
	if (!f)
		return NULL;
	sd_event_source_disable_unref(f->io);
	sd_event_source_disable_unref(f->timer);
	if (f->daemon)
		MHD_stop_daemon(f->daemon);
	certfile_done(&f->cert);
	free(f);
	return NULL;
}

uint16_t owner_front_port(const struct owner_front *f)
{
	return f->port;
}
