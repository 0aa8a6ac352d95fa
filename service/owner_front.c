/* SPDX-License-Identifier: Apache-2.0 */
#include "service/owner_front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- set-up ---- */

static int open_listener(const struct owner_front_config *config, struct owner_front *f,
			 int *ret_fd, char **ret_detail)
{
	union address address;
	int r;

	r = http_loop_listen(config->listen,
			     config->cert_file
				     ? NULL
				     : "without a certificate only loopback addresses are "
				       "allowed: API keys would travel in clear",
			     &address, ret_fd, ret_detail);
	if (r != 0)
		return r;
	f->port = address_port(&address);
	/* There, and through a proxy, all may come from one address. */
	f->per_address_max = address_is_loopback(&address) || config->proxies
				     ? CONNECTIONS_MAX
				     : CONNECTIONS_PER_ADDRESS_MAX;
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
	f->loop.daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, f, MHD_OPTION_EXTERNAL_LOGGER, http_loop_log,
		NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		f->per_address_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_TIMEOUT_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	return f->loop.daemon ? 0 : -EIO;
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
	f->loop.name = "owner-front";
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
		return http_loop_refuse(ret_detail, config->listen, "libmicrohttpd cannot start");
	fd = -1; /* the daemon's now */
	r = http_loop_join(&f->loop, event);
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
	http_loop_done(&f->loop);
	certfile_done(&f->cert);
	free(f);
	return NULL;
}

uint16_t owner_front_port(const struct owner_front *f)
{
	return f->port;
}
