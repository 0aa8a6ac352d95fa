/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ops_front.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "service/address.h"

#define CONNECTIONS_MAX 32
#define CONNECTION_MEMORY 8192
#define CONNECTION_TIMEOUT_S 10
#define TEXT_TYPE "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct ops_front {
	struct ops_front_config config; /* listen is not kept */
	struct core *core;              /* borrowed, as metrics */
	struct metrics *metrics;
	uint16_t port;
	struct MHD_Daemon *daemon;
	sd_event_source *io, *timer;
};

/* ---- requests ---- */

/* text is the library's afterwards, when it is owned. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, char *text, size_t len, bool is_owned)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, text, is_owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r;

	if (!response) {
		if (is_owned)
			free(text);
		return MHD_NO;
	}
	if (MHD_add_response_header(response, "Content-Type", type) != MHD_YES ||
	    MHD_add_response_header(response, "Cache-Control", "no-store") != MHD_YES) {
		MHD_destroy_response(response);
		return MHD_NO;
	}
	r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int status,
				   const char *text)
{
	return answer(connection, status, TEXT_TYPE, (char *)text, strlen(text), false);
}

static enum MHD_Result answer_metrics(struct ops_front *f, struct MHD_Connection *connection)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return answer_text(connection, 500, "out of memory\n");
	if (f->config.refresh)
		f->config.refresh(f->config.userdata);
	metrics_write(f->metrics, out);
	if (fclose(out) != 0) {
		free(text);
		return answer_text(connection, 500, "out of memory\n");
	}
	return answer(connection, 200, METRICS_TYPE, text, len, true);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload_data,
				  size_t *upload_len, void **state)
{
	static char begun;
	struct ops_front *f = cls;
	bool is_known = strcmp(url, "/metrics") == 0 || strcmp(url, "/health/live") == 0 ||
			strcmp(url, "/health/ready") == 0;

	(void)version;
	(void)upload_data;
	if (*upload_len > 0) /* nobody has a body for us */
		return MHD_NO;
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	if (!is_known)
		return answer_text(connection, 404, "not found\n");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer_text(connection, 405, "only GET\n");
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(f, connection);
	if (strcmp(url, "/health/live") == 0 || core_is_ready(f->core))
		return answer_text(connection, 200, "ok\n");
	return answer_text(connection, 503, "not ready\n");
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

static int turn(struct ops_front *f)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	int r;

	if (MHD_run(f->daemon) != MHD_YES)
		log_warning("ops-front: libmicrohttpd cannot go on with a connection, ignoring");
	if (MHD_get_timeout(f->daemon, &timeout_ms) != MHD_YES)
		return sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time_relative(f->timer, timeout_ms * 1000);
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
	if (asprintf(ret_detail, "%s: %s", what, why) < 0)
		*ret_detail = NULL;
	return OPS_FRONT_E_REFUSED;
}

static int open_listener(struct ops_front *f, const char *listen_on, int *ret_fd, char **ret_detail)
{
	_cleanup_(closep) int fd = -1;
	union address address;
	socklen_t len;
	int one = 1;

	if (address_parse(listen_on, &address, &len) < 0)
		return refuse(ret_detail, listen_on, "not ADDRESS:PORT or [ADDRESS]:PORT");
	if (!f->config.may_be_reachable && !address_is_loopback(&address))
		return refuse(ret_detail, listen_on,
			      "not a loopback address, and whoever reaches it reads the metrics "
			      "without a key: --ops-remote, if that is meant");
	fd = socket(address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(fd, &address.sa, len) < 0 || listen(fd, SOMAXCONN) < 0)
		return refuse(ret_detail, listen_on, strerror(errno));
	len = sizeof(address);
	if (getsockname(fd, &address.sa, &len) < 0)
		return -errno;
	f->port = address_port(&address);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int join_loop(struct ops_front *f, sd_event *event)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(f->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info || info->epoll_fd < 0)
		return -ENOTSUP;
	r = sd_event_add_io(event, &f->io, info->epoll_fd, EPOLLIN, on_io, f);
	if (r >= 0)
		r = sd_event_add_time(event, &f->timer, CLOCK_MONOTONIC, 0, 1, on_timer, f);
	return r < 0 ? r : 0;
}

int ops_front_new(sd_event *event, struct core *core, struct metrics *metrics,
		  const struct ops_front_config *config, struct ops_front **ret, char **ret_detail)
{
	_cleanup_(ops_front_freep) struct ops_front *f = calloc(1, sizeof(*f));
	_cleanup_(closep) int fd = -1;
	int r;

	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->core = core;
	f->metrics = metrics;
	r = open_listener(f, config->listen, &fd, ret_detail);
	if (r != 0)
		return r;
	f->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, f,
				 MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
				 fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_TIMEOUT_S,
				 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!f->daemon)
		return refuse(ret_detail, config->listen, "libmicrohttpd cannot start");
	fd = -1; /* the daemon's now */
	r = join_loop(f, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

struct ops_front *ops_front_free(struct ops_front *f)
{
	if (!f)
		return NULL;
	sd_event_source_disable_unref(f->io);
	sd_event_source_disable_unref(f->timer);
	if (f->daemon)
		MHD_stop_daemon(f->daemon);
	free(f);
	return NULL;
}

uint16_t ops_front_port(const struct ops_front *f)
{
	return f->port;
}
