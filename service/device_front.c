/* SPDX-License-Identifier: Apache-2.0 */
#include "service/device_front.h"

#include <coap3/coap.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "service/address.h"
#include "service/admission.h"
#include "service/certfile.h"
#include "service/coap_deaf.h"
#include "service/coap_dtls.h"
#include "service/device_pdu.h"
#include "service/metrics.h"
#include "service/refusals.h"

/* Handshakes under way at once. Beyond that libcoap ignores new ones, and it counts each
 * ClientHello for 30 s before any cookie came back: a low limit is how a trickle of forged
 * datagrams keeps all devices out. A kilobyte each with libcoap-openssl. */
#define HANDSHAKES_MAX 10000
#define GATE_LOOK_US 20000
/* Of the socket and of libcoap's timer. */
#define EVENTS_MAX 4
/* Read between two looks at all timers. */
#define DATAGRAMS_MAX 64
/* What the kernel counts for a small one. */
#define DATAGRAM_BYTES 768
/* From so many sessions on the looks are kept apart by what eight of them take, so that datagrams
 * gather: an eighth of the loop's time goes to them at most. */
#define SESSIONS_MANY 2000
#define SESSION_LOOK_NS 50
#define PAUSE_MAX_US 5000

/* libcoap keeps one pointer per session for us. Ours also form a list, since libcoap does not
 * announce the end of sessions that end with their context. */
struct session_node {
	struct device_session session;
	struct admission_entry admission;
	struct session_node *next, **to_this;
};

struct device_front {
	struct device_dispatch dispatch;
	struct certfile cert; /* libcoap keeps pointers into it */
	coap_context_t *coap;
	sd_event_source *source;
	struct session_node *sessions;
	uint16_t port;
	struct metrics *metrics; /* borrowed; NULL: nobody counts */
	uint64_t n_sessions;     /* libcoap's */
	struct admission admission;
	sd_event_source *gate;  /* looks again while the gate is closed */
	sd_event_source *pause; /* until the socket is read again */

	struct refusals refusals;
};

/* ---- sessions ---- */

static void peer_of(const coap_session_t *session, union address *ret)
{
	const coap_address_t *remote = coap_session_get_addr_remote(session);
	union address a = {0};

	memcpy(&a, &remote->addr, MIN(sizeof(a), sizeof(remote->addr)));
	*ret = a;
}

static void peer_format(const coap_session_t *session, char ret[static ADDRESS_TEXT])
{
	union address a;

	peer_of(session, &a);
	address_format(&a, ret);
}

static void peer_address(const coap_session_t *session, char ret[static CORE_ADDRESS_TEXT])
{
	union address a;

	peer_of(session, &a);
	address_host(&a, ret, CORE_ADDRESS_TEXT);
}

static struct session_node *session_of(struct device_front *f, coap_session_t *session)
{
	struct session_node *node = coap_session_get_app_data(session);

	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->next = f->sessions;
	node->to_this = &f->sessions;
	if (node->next)
		node->next->to_this = &node->next;
	f->sessions = node;
	peer_address(session, node->session.address);
	coap_session_set_app_data(session, node);
	return node;
}

static void session_node_free(struct device_front *f, struct session_node *node)
{
	admission_end(&f->admission, &node->admission);
	*node->to_this = node->next;
	if (node->next)
		node->next->to_this = node->to_this;
	device_session_done(&node->session);
	free(node);
}

static void count_event(struct device_front *f, coap_event_t event)
{
	/* The enumeration is libcoap's, and has more than these. */
	if (event == COAP_EVENT_SERVER_SESSION_NEW)
		f->n_sessions++;
	else if (event == COAP_EVENT_SERVER_SESSION_DEL && f->n_sessions > 0)
		f->n_sessions--;
	else if (event == COAP_EVENT_DTLS_CONNECTED)
		metrics_add(f->metrics, METRICS_HANDSHAKES);
	else if (event == COAP_EVENT_DTLS_ERROR)
		metrics_add(f->metrics, METRICS_HANDSHAKES_FAILED);
	if (event == COAP_EVENT_SERVER_SESSION_DEL)
		metrics_add(f->metrics, METRICS_SESSIONS_ENDED);
}

/* What was proved holds for one DTLS session: it ends with it, and a new handshake on the same
 * addresses starts from nothing. */
static int on_event(coap_session_t *session, const coap_event_t event)
{
	struct device_front *f = coap_get_app_data(coap_session_get_context(session));
	struct session_node *node = coap_session_get_app_data(session);
	union address from;

	count_event(f, event);
	if (event != COAP_EVENT_DTLS_CLOSED && event != COAP_EVENT_DTLS_CONNECTED &&
	    event != COAP_EVENT_DTLS_ERROR && event != COAP_EVENT_SERVER_SESSION_DEL)
		return 0;
	coap_session_set_app_data(session, NULL);
	if (node)
		session_node_free(f, node);
	if (event == COAP_EVENT_DTLS_CONNECTED) {
		node = session_of(f, session);
		if (node) {
			peer_of(session, &from);
			admission_arrived(&f->admission, &from);
			admission_progress(&f->admission, &node->admission, clock_ms());
		}
	}
	return 0;
}

/* ---- requests ---- */

/* Whether the device may go now: it learned that there is nothing (more) to do, or reported. */
static bool is_last(const struct device_answer *a)
{
	return (strcmp(a->resource, "p/cmd") == 0 && a->len == 0) ||
	       strcmp(a->resource, "p/rsp") == 0 || strcmp(a->resource, "state/reported") == 0;
}

/* Progress is what was answered well: whoever only asks is not under way. */
static void note_progress(struct device_front *f, struct session_node *node,
			  const coap_session_t *session, const struct device_answer *a,
			  uint64_t now_ms)
{
	union address from;

	if (a->code >> 5 != 2 || a->code == DEVICE_CODE(2, 31) || !a->device[0])
		return;
	if (!is_last(a)) {
		admission_progress(&f->admission, &node->admission, now_ms);
		return;
	}
	admission_done(&f->admission, &node->admission);
	if (strcmp(a->resource, "p/rsp") == 0) {
		peer_of(session, &from);
		admission_expect(&f->admission, &from, now_ms);
	}
}

static void count_request(struct device_front *f, const struct device_answer *a, uint64_t since_us)
{
	metrics_take(f->metrics, METRICS_DEVICE_REQUEST, metrics_now_us() - since_us);
	metrics_device_request(f->metrics, a->resource, a->code);
}

static void on_request(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *pdu,
		       const coap_string_t *query, coap_pdu_t *response)
{
	struct device_front *f = coap_get_app_data(coap_session_get_context(session));
	struct session_node *node = session_of(f, session);
	struct device_answer answer = {.resource = "none"};
	uint64_t now_ms = clock_ms(), since_us = metrics_now_us();
	char peer[ADDRESS_TEXT];
	struct device_pdu in;

	(void)resource;
	(void)query;
	/* All lines about a request are written together, and before it is answered. */
	log_hold();
	answer.code = device_pdu_read(pdu, &in);
	if (answer.code)
		answer.reason = "malformed option";
	else if (!node)
		answer = (struct device_answer){
			.resource = "none", .code = DEVICE_CODE(5, 0), .reason = "out of memory"};
	else
		device_dispatch(&f->dispatch, &node->session, &in.request, now_ms, &answer);
	device_pdu_write(response, &answer);
	count_request(f, &answer, since_us);
	if (node) {
		note_progress(f, node, session, &answer, now_ms);
		device_answer_sent(&node->session);
	}
	if (answer.reason) {
		peer_format(session, peer);
		refusals_log(&f->refusals, &in.request, &answer, peer, now_ms);
	}
	log_release();
	device_pdu_done(&in);
}

/* ---- set-up ---- */

static void on_log(coap_log_t level, const char *message)
{
	(void)level;
	log_debug("libcoap: %.*s", (int)strcspn(message, "\n"), message);
}

/* While the gate is closed nothing may arrive that would make us look again. */
static int look_at_gate(struct device_front *f)
{
	int r;

	admission_turn(&f->admission, clock_ms());
	if (f->admission.state == GATE_OPEN)
		return sd_event_source_set_enabled(f->gate, SD_EVENT_OFF);
	r = sd_event_source_set_time_relative(f->gate, GATE_LOOK_US);
	return r < 0 ? r : sd_event_source_set_enabled(f->gate, SD_EVENT_ONESHOT);
}

/* libcoap reads one datagram for each event that it is told of, and each time that it is called it
 * looks at the timers of all sessions: with ten thousand of them that takes longer than any
 * request. So the event of the socket is told as many times as datagrams wait, and they share one
 * look. Where more was told than came, a read finds nothing. */
static int io_turn(struct device_front *f)
{
	struct epoll_event events[DATAGRAMS_MAX];
	struct admission_queue q = {0};
	int n, n_waiting, fd = coap_context_get_coap_fd(f->coap);

	n = epoll_wait(fd, events, EVENTS_MAX, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	(void)admission_queue(&f->admission, &q);
	n_waiting = MIN((int)(q.bytes / DATAGRAM_BYTES), DATAGRAMS_MAX);
	for (int i = 0, n_told = n; i < n_told; i++)
		if (events[i].data.ptr && events[i].events & EPOLLIN) /* NULL: the timer */
			while (n < n_waiting)
				events[n++] = events[i];
	coap_io_do_epoll(f->coap, events, (size_t)n);
	return n;
}

static int on_pause_end(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct device_front *f = userdata;

	(void)source;
	(void)at_us;
	return sd_event_source_set_enabled(f->source, SD_EVENT_ON);
}

static int pause_reading(struct device_front *f)
{
	uint64_t pause_us = f->n_sessions * SESSION_LOOK_NS * 8 / 1000;
	int r;

	if (f->n_sessions < SESSIONS_MANY)
		return 0;
	r = sd_event_source_set_time_relative(f->pause, MIN(pause_us, (uint64_t)PAUSE_MAX_US));
	if (r >= 0)
		r = sd_event_source_set_enabled(f->pause, SD_EVENT_ONESHOT);
	return r < 0 ? r : sd_event_source_set_enabled(f->source, SD_EVENT_OFF);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct device_front *f = userdata;
	uint64_t since_us = metrics_now_us();
	int r;

	(void)source;
	(void)fd;
	(void)events;
	r = io_turn(f);
	if (r < 0)
		log_warning("device-front: cannot read the socket: %s, ignoring", strerror(-r));
	admission_spent(&f->admission, metrics_now_us() - since_us);
	r = pause_reading(f);
	return r < 0 ? r : look_at_gate(f);
}

static int on_gate(sd_event_source *source, uint64_t at_us, void *userdata)
{
	(void)source;
	(void)at_us;
	return look_at_gate(userdata);
}

static int refuse(char **ret_detail, const char *what, const char *why)
{
	char *detail;

	if (asprintf(&detail, "%s: %s", what, why) < 0)
		return -ENOMEM;
	*ret_detail = detail;
	return DEVICE_FRONT_E_REFUSED;
}

/* One handler for every method and path: the table of device_dispatch decides, none of libcoap's
 * own answers (a resource list, 2.02 for deleting nothing) get out. */
static int add_resources(struct device_front *f)
{
	coap_resource_t *all = coap_resource_unknown_init(on_request);
	coap_resource_t *list = coap_resource_init(coap_make_str_const(".well-known/core"), 0);

	if (!all || !list)
		return -ENOMEM;
	for (int method = COAP_REQUEST_GET; method <= COAP_REQUEST_IPATCH; method++) {
		coap_register_request_handler(all, (coap_request_t)method, on_request);
		coap_register_request_handler(list, (coap_request_t)method, on_request);
	}
	coap_add_resource(f->coap, all);
	coap_add_resource(f->coap, list);
	return 0;
}

static int set_up_tls(struct device_front *f, const struct device_front_config *config,
		      char **ret_detail)
{
	coap_dtls_pki_t pki = {
		.version = COAP_DTLS_PKI_SETUP_VERSION,
		.additional_tls_setup_call_back = coap_dtls_keep_key,
		.verify_peer_cert = 0, /* devices prove themselves by JWT: ask for no certificate */
		.pki_key.key_type = COAP_PKI_KEY_PEM_BUF,
		.pki_key.key.pem_buf =
			{
				.public_cert = f->cert.cert.data,
				.public_cert_len = f->cert.cert.len + 1,
				.private_key = f->cert.key.data,
				.private_key_len = f->cert.key.len + 1,
			},
	};

	if (!coap_context_set_pki(f->coap, &pki))
		return refuse(ret_detail, config->cert_file, "libcoap cannot use this certificate");
	/* libcoap-openssl sends the first certificate of the file only, unless OpenSSL finds the
	 * rest in its own store. */
	if (f->cert.n_certs > 1 &&
	    coap_get_tls_library_version()->type == COAP_TLS_LIBRARY_OPENSSL &&
	    !coap_context_set_pki_root_cas(f->coap, config->cert_file, NULL))
		return refuse(ret_detail, config->cert_file,
			      "libcoap cannot use these intermediate certificates");
	return 0;
}

/* The port that the kernel picked is told only in the endpoint's description, "ADDRESS:PORT DTLS".
 */
static int endpoint_port(const coap_endpoint_t *endpoint, uint16_t *ret)
{
	const char *text = coap_endpoint_str(endpoint);
	const char *colon = strrchr(text, ':');
	uint64_t port;
	int r;

	if (!colon)
		return -EINVAL;
	r = decimal_parse(colon + 1, strspn(colon + 1, "0123456789"), UINT16_MAX, &port);
	if (r < 0)
		return r;
	*ret = (uint16_t)port;
	return 0;
}

static int set_up_endpoint(struct device_front *f, const struct device_front_config *config,
			   char **ret_detail)
{
	coap_endpoint_t *endpoint;
	char deaf_at[ADDRESS_TEXT];
	coap_address_t listen;
	union address address;
	socklen_t len;

	if (address_parse(config->listen, &address, &len) < 0)
		return refuse(ret_detail, config->listen, "not ADDRESS:PORT or [ADDRESS]:PORT");
	coap_address_init(&listen);
	memcpy(&listen.addr, &address, len);
	listen.size = len;
	endpoint = coap_new_endpoint(f->coap, &listen, COAP_PROTO_DTLS);
	if (!endpoint)
		return refuse(ret_detail, config->listen, "cannot listen (in use, or not ours)");
	if (coap_deaf_at(&address, deaf_at))
		log_warning(
			"device-front: libcoap takes %s for a broadcast address, devices get no "
			"answer there: " COAP_DEAF_REMEDY,
			deaf_at);
	return endpoint_port(endpoint, &f->port);
}

static int set_up_context(struct device_front *f, const struct device_front_config *config,
			  char **ret_detail)
{
	int r;

	coap_startup();
	coap_set_log_handler(on_log);
	coap_set_log_level(LOG_WARNING);
	f->coap = coap_new_context(NULL);
	if (!f->coap)
		return -ENOMEM;
	if (!coap_dtls_is_supported())
		return refuse(ret_detail, config->listen, "this libcoap has no DTLS");
	coap_set_app_data(f->coap, f);
	coap_context_set_block_mode(f->coap, 0);
	coap_context_set_session_timeout(f->coap, config->session_timeout_s);
	coap_context_set_max_idle_sessions(f->coap, config->max_sessions);
	coap_context_set_max_handshake_sessions(f->coap, HANDSHAKES_MAX);
	coap_register_event_handler(f->coap, on_event);

	r = add_resources(f);
	if (r < 0)
		return r;
	r = set_up_tls(f, config, ret_detail);
	if (r != 0)
		return r;
	return set_up_endpoint(f, config, ret_detail);
}

/* It is off until somebody sets its time. */
static int add_timer(sd_event *event, sd_event_source **ret, sd_event_time_handler_t on_time,
		     struct device_front *f)
{
	int r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, 0, 1000, on_time, f);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int device_front_new(sd_event *event, struct core *core, const struct device_front_config *config,
		     struct device_front **ret, char **ret_detail)
{
	_cleanup_(device_front_freep) struct device_front *f = calloc(1, sizeof(*f));
	int fd, r;

	if (!f)
		return -ENOMEM;
	f->dispatch = (struct device_dispatch){core, config->session_max_age_s};
	r = certfile_load(config->cert_file, config->key_file, &f->cert, ret_detail);
	if (r != 0)
		return r < 0 ? r : DEVICE_FRONT_E_REFUSED;
	r = set_up_context(f, config, ret_detail);
	if (r != 0)
		return r;
	f->metrics = config->metrics;
	admission_init(&f->admission, admission_find_socket(f->port));
	fd = coap_context_get_coap_fd(f->coap);
	if (fd < 0)
		return refuse(ret_detail, config->listen, "this libcoap is built without epoll");
	r = sd_event_add_io(event, &f->source, fd, EPOLLIN, on_io, f);
	if (r >= 0)
		r = add_timer(event, &f->gate, on_gate, f);
	if (r >= 0)
		r = add_timer(event, &f->pause, on_pause_end, f);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

struct device_front *device_front_free(struct device_front *f)
{
	if (!f)
		return NULL;
	sd_event_source_disable_unref(f->source);
	sd_event_source_disable_unref(f->gate);
	sd_event_source_disable_unref(f->pause);
	if (f->coap)
		coap_free_context(f->coap);
	while (f->sessions)
		session_node_free(f, f->sessions);
	certfile_done(&f->cert);
	free(f);
	return NULL;
}

uint16_t device_front_port(const struct device_front *f)
{
	return f->port;
}

const struct admission *device_front_admission(const struct device_front *f)
{
	return &f->admission;
}

void device_front_refresh(struct device_front *f)
{
	struct admission_queue q;

	metrics_set(f->metrics, METRICS_SESSIONS, f->n_sessions);
	metrics_set(f->metrics, METRICS_ADMISSION, f->admission.state != GATE_OPEN);
	metrics_set(f->metrics, METRICS_UNDER_WAY, f->admission.n);
	metrics_set(f->metrics, METRICS_UNDER_WAY_MAX, admission_limit(&f->admission));
	if (!admission_queue(&f->admission, &q))
		return;
	metrics_set(f->metrics, METRICS_QUEUE_BYTES, q.bytes);
	metrics_set(f->metrics, METRICS_QUEUE_MAX, q.max);
	metrics_set(f->metrics, METRICS_QUEUE_DROPPED, q.dropped);
}

void device_front_drain(struct device_front *f, unsigned int limit_ms)
{
	struct pollfd socket = {.fd = f->admission.fd, .events = POLLIN};
	uint64_t until_ms = clock_ms() + limit_ms;

	admission_stop(&f->admission);
	while (poll(&socket, 1, 0) > 0 && clock_ms() < until_ms)
		if (io_turn(f) < 0)
			return;
}
