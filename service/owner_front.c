/* SPDX-License-Identifier: Apache-2.0 */
#include "service/owner_front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "service/address.h"
#include "service/owner_front_private.h"

#define CONNECTIONS_MAX 512
#define CONNECTIONS_PER_ADDRESS_MAX 64
#define CONNECTION_MEMORY 32768 /* request line, headers and what is read at once */
#define CONNECTION_TIMEOUT_S 15
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

/* ---- libmicrohttpd ---- */

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload_data,
				  size_t *upload_len, void **state)
{
	struct exchange *x = *state;
	struct answer a = {.json = NULL};
	unsigned int status;

	(void)version;
	if (!x) {
		x = owner_exchange_new(cls, connection, method, url);
		if (!x)
			return MHD_NO;
		*state = x;
		status = owner_judge(x, &a);
		return status == 0 ? MHD_YES : owner_exchange_refuse(x, status, &a);
	}
	if (*upload_len > 0) {
		size_t len = *upload_len;

		*upload_len = 0;
		return owner_exchange_take(x, upload_data, len);
	}
	return owner_exchange_run(x);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)connection;
	(void)code;
	if (*state)
		owner_exchange_free(*state);
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

void owner_front_soon(struct owner_front *f)
{
	int r;

	r = sd_event_source_set_time(f->timer, 0);
	if (r >= 0)
		r = sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_error("owner-front: cannot take up a request: %s", strerror(-r));
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

static int open_listener(const struct owner_front_config *config, struct owner_front *f,
			 int *ret_fd, char **ret_detail)
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
	f->port = address_port(&address);
	/* There, all may come through one proxy. */
	/* Through a proxy all come from one address. */
	f->per_address_max = address_is_loopback(&address) || config->proxies
				     ? CONNECTIONS_MAX
				     : CONNECTIONS_PER_ADDRESS_MAX;
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
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;

	if (f->has_tls)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	f->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, f, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		f->per_address_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_TIMEOUT_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
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
	f->event = event;
	f->core = core;
	f->config = *config;
	f->devices = (struct device_http){.max_age_s = config->session_max_age_s,
					  .metrics = config->metrics,
					  .admission = config->admission};
	if (f->config.body_time_ms == 0)
		f->config.body_time_ms = OWNER_BODY_TIME_MS;
	f->has_tls = config->cert_file;
	if (f->has_tls) {
		r = certfile_load(config->cert_file, config->key_file, &f->cert, ret_detail);
		if (r != 0)
			return r < 0 ? r : OWNER_FRONT_E_REFUSED;
	}
	r = open_listener(config, f, &fd, ret_detail);
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
	/* The library wants nothing put aside when it stops. */
	for (struct exchange *x = f->exchanges; x; x = x->next)
		owner_exchange_resume(x);
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
