/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ops_front.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	struct http_loop loop;
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

/* ---- set-up ---- */

int ops_front_new(sd_event *event, struct core *core, struct metrics *metrics,
		  const struct ops_front_config *config, struct ops_front **ret, char **ret_detail)
{
	_cleanup_(ops_front_freep) struct ops_front *f = calloc(1, sizeof(*f));
	_cleanup_(closep) int fd = -1;
	union address address;
	int r;

	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->loop.name = "ops-front";
	f->core = core;
	f->metrics = metrics;
	r = http_loop_listen(config->listen,
			     config->may_be_reachable
				     ? NULL
				     : "not a loopback address, and whoever reaches it reads the "
				       "metrics without a key: --ops-remote, if that is meant",
			     &address, &fd, ret_detail);
	if (r != 0)
		return r;
	f->port = address_port(&address);
	f->loop.daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, f,
		MHD_OPTION_EXTERNAL_LOGGER, http_loop_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_TIMEOUT_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!f->loop.daemon)
		return http_loop_refuse(ret_detail, config->listen, "libmicrohttpd cannot start");
	fd = -1; /* the daemon's now */
	r = http_loop_join(&f->loop, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

struct ops_front *ops_front_free(struct ops_front *f)
{
	if (!f)
		return NULL;
	http_loop_done(&f->loop);
	free(f);
	return NULL;
}

uint16_t ops_front_port(const struct ops_front *f)
{
	return f->port;
}
