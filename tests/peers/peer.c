/* SPDX-License-Identifier: Apache-2.0 */

/* A provisioning server that owes nothing to onboard-service: libcoap's public API, a queue given
 * on the command line, and no notion of suspend unless told. It answers any step as the test wants
 * and prints one JSON line a request. Built once with each of libcoap's TLS libraries. */

#include <coap3/coap.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/answer.h"
#include "tests/peers/queue.h"

#define OPTION_ECHO 252 /* RFC 9175 */

struct peer {
	struct queue queue;
	struct answer answers[ANSWERS_MAX];
	size_t n_answers;
	unsigned int requests[_STEP_MAX];
	bool any_session; /* p/cmd and p/rsp without authentication too */
};

static struct peer peer;
static volatile sig_atomic_t ending, asked;

static void end(int number)
{
	(void)number;
	ending = 1;
}

static void ask(int number)
{
	(void)number;
	asked = 1;
}

static int remote_port(const coap_session_t *session)
{
	return ntohs(coap_session_get_addr_remote(session)->addr.sin.sin_port);
}

static const struct answer *find_answer(enum step step, unsigned int n)
{
	for (size_t i = 0; i < peer.n_answers; i++) {
		const struct answer *a = &peer.answers[i];

		if (a->step == step && (a->n == 0 || a->n == n))
			return a;
	}
	return NULL;
}

static void print_request(enum step step, unsigned int n, const coap_session_t *session,
			  const coap_pdu_t *request, const coap_string_t *query, size_t len,
			  const uint8_t *payload, int code)
{
	coap_bin_const_t token = coap_pdu_get_token(request);

	printf("{\"event\":\"request\",\"step\":\"%s\",\"n\":%u,\"session\":%d,\"mid\":%d,"
	       "\"confirmable\":%s,\"token\":\"",
	       step_name(step), n, remote_port(session), coap_pdu_get_mid(request),
	       coap_pdu_get_type(request) == COAP_MESSAGE_CON ? "true" : "false");
	for (size_t i = 0; i < token.length; i++)
		printf("%02x", token.s[i]);
	/* Queries and JWTs of ours need no escape; anything else is shown by its length. */
	printf("\",\"query\":\"%.*s\",\"payload\":\"", query ? (int)query->length : 0,
	       query ? (const char *)query->s : "");
	for (size_t i = 0; i < len; i++)
		printf("%02x", payload[i]);
	printf("\",\"answer\":\"%d.%02d\"}\n", code >> 5, code & 31);
	fflush(stdout);
}

/* Does the step as a server would: the code, and the body of the answer. */
static int usual_answer(enum step step, coap_session_t *session, const uint8_t *payload, size_t len,
			const uint8_t **ret_body, size_t *ret_len, int *ret_max_age_s)
{
	const struct queue_body *body;
	bool open = peer.any_session || coap_session_get_app_data(session);

	switch (step) {
	case STEP_AUTH:
	case STEP_CLOUD_AUTH:
		coap_session_set_app_data(session, &peer);
		*ret_max_age_s = 2592000;
		return COAP_RESPONSE_CODE_CREATED;
	case STEP_CMD:
		if (!open)
			return COAP_RESPONSE_CODE_UNAUTHORIZED;
		body = queue_body(&peer.queue);
		if (body) {
			*ret_body = body->bytes;
			*ret_len = body->len;
		}
		return COAP_RESPONSE_CODE_CONTENT;
	case STEP_RSP:
		if (!open)
			return COAP_RESPONSE_CODE_UNAUTHORIZED;
		return queue_report(&peer.queue, payload, len) < 0 ? COAP_RESPONSE_CODE_BAD_REQUEST
								   : COAP_RESPONSE_CODE_CHANGED;
	case STEP_STATE:
	case STEP_SUSPEND:
		return COAP_RESPONSE_CODE_CONTENT;
	case STEP_REPORTED:
		return COAP_RESPONSE_CODE_CHANGED;
	case _STEP_MAX:
		break;
	}
	return COAP_RESPONSE_CODE_INTERNAL_ERROR;
}

static void add_uint(coap_pdu_t *response, coap_option_num_t number, unsigned int value)
{
	uint8_t buffer[4];

	coap_add_option(response, number, coap_encode_var_safe(buffer, sizeof(buffer), value),
			buffer);
}

/* A block of the body in a size that the test forces, without the library's help. */
static void add_forced_block(const coap_pdu_t *request, coap_pdu_t *response, const uint8_t *body,
			     size_t len, unsigned int szx)
{
	coap_block_t block = {0};

	if (!coap_get_block(request, COAP_OPTION_BLOCK2, &block) || block.num == 0)
		block.szx = szx & 7;
	if (coap_write_block_opt(&block, COAP_OPTION_BLOCK2, response, len) == 1)
		coap_add_block(response, len, body, block.num, (unsigned char)block.szx);
}

static void handle(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		   const coap_string_t *query, coap_pdu_t *response)
{
	enum step step = (enum step)(uintptr_t)coap_resource_get_userdata(resource);
	const uint8_t *payload = NULL, *body = NULL;
	size_t len = 0, offset = 0, total = 0, body_len = 0;
	bool again = coap_find_async(session, coap_pdu_get_token(request));
	unsigned int n = again ? peer.requests[step] : ++peer.requests[step];
	const struct answer *a = find_answer(step, n);
	int max_age_s = -1, code;

	coap_get_data_large(request, &len, &payload, &offset, &total);
	if (a && a->separate_ms && !again) {
		/* No code: the library acknowledges, and calls again when the time has come. */
		coap_register_async(session, request,
				    (coap_tick_t)a->separate_ms * COAP_TICKS_PER_SECOND / 1000);
		return;
	}
	if (a && a->code >= 0)
		code = a->code;
	else
		code = usual_answer(step, session, payload, len, &body, &body_len, &max_age_s);
	print_request(step, n, session, request, query, len, payload, code);
	if (a && a->has_payload) {
		body = a->payload;
		body_len = a->payload_len;
	}
	if (a && a->max_age_s >= 0)
		max_age_s = a->max_age_s;
	if (code == 0)
		return;
	coap_pdu_set_code(response, (coap_pdu_code_t)code);
	if (body_len && !(a && a->block >= 0)) {
		coap_add_data_large_response(resource, session, request, response, query,
					     COAP_MEDIATYPE_APPLICATION_CBOR, max_age_s, 0,
					     body_len, body, NULL, NULL);
		return;
	}
	if (body_len)
		add_uint(response, COAP_OPTION_CONTENT_FORMAT, COAP_MEDIATYPE_APPLICATION_CBOR);
	if (max_age_s >= 0)
		add_uint(response, COAP_OPTION_MAXAGE, (unsigned int)max_age_s);
	if (body_len)
		add_forced_block(request, response, body, body_len, (unsigned int)a->block);
	if (a && a->has_echo)
		coap_add_option(response, OPTION_ECHO, a->echo_len, a->echo);
}

static int on_event(coap_session_t *session, coap_event_t event)
{
	if (event == COAP_EVENT_DTLS_CONNECTED || event == COAP_EVENT_DTLS_CLOSED) {
		printf("{\"event\":\"%s\",\"session\":%d}\n",
		       event == COAP_EVENT_DTLS_CONNECTED ? "connected" : "closed",
		       remote_port(session));
		fflush(stdout);
	}
	return 0;
}

static void add_resource(coap_context_t *context, enum step step, coap_request_t method)
{
	coap_resource_t *resource = coap_resource_init(
		coap_new_str_const((const uint8_t *)step_path(step), strlen(step_path(step))),
		COAP_RESOURCE_FLAGS_RELEASE_URI);

	coap_register_handler(resource, method, handle);
	coap_resource_set_userdata(resource, (void *)(uintptr_t)step);
	coap_add_resource(context, resource);
}

static coap_context_t *start(uint16_t port, const char *cert, const char *key,
			     unsigned int session_timeout_s, bool with_suspend)
{
	coap_dtls_pki_t pki = {.version = COAP_DTLS_PKI_SETUP_VERSION};
	coap_context_t *context = coap_new_context(NULL);
	coap_endpoint_t *endpoint;
	coap_address_t address;

	if (!context)
		return NULL;
	coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
	coap_context_set_session_timeout(context, session_timeout_s);
	coap_register_event_handler(context, on_event);
	pki.pki_key.key_type = COAP_PKI_KEY_PEM;
	pki.pki_key.key.pem.public_cert = cert;
	pki.pki_key.key.pem.private_key = key;
	coap_address_init(&address);
	address.addr.sin.sin_family = AF_INET;
	address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.addr.sin.sin_port = htons(port);
	endpoint = coap_context_set_pki(context, &pki)
			   ? coap_new_endpoint(context, &address, COAP_PROTO_DTLS)
			   : NULL;
	if (!endpoint) {
		coap_free_context(context);
		return NULL;
	}
	add_resource(context, STEP_AUTH, COAP_REQUEST_POST);
	add_resource(context, STEP_CMD, COAP_REQUEST_GET);
	add_resource(context, STEP_RSP, COAP_REQUEST_POST);
	add_resource(context, STEP_CLOUD_AUTH, COAP_REQUEST_POST);
	add_resource(context, STEP_STATE, COAP_REQUEST_GET);
	add_resource(context, STEP_REPORTED, COAP_REQUEST_PATCH);
	if (with_suspend)
		add_resource(context, STEP_SUSPEND, COAP_REQUEST_POST);
	printf("ready %s\n", coap_endpoint_str(endpoint));
	fflush(stdout);
	return context;
}

static int usage(void)
{
	fprintf(stderr,
		"peer --cert FILE --key FILE [--port N] [--session-timeout S] [--with-suspend]\n"
		"     [--any-session] [--body HEX]... [--answer "
		"STEP:N:CODE[:OPTION=VALUE]...]...\n");
	return 64;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"cert", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'},
		{"body", required_argument, NULL, 'b'},
		{"answer", required_argument, NULL, 'a'},
		{"session-timeout", required_argument, NULL, 't'},
		{"with-suspend", no_argument, NULL, 's'},
		{"any-session", no_argument, NULL, 'y'},
		{NULL, 0, NULL, 0},
	};
	struct sigaction action = {.sa_handler = end}, question = {.sa_handler = ask};
	const char *cert = NULL, *key = NULL;
	unsigned int session_timeout_s = 300;
	bool with_suspend = false;
	coap_context_t *context;
	uint16_t port = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			port = (uint16_t)atoi(optarg);
		else if (option == 'c')
			cert = optarg;
		else if (option == 'k')
			key = optarg;
		else if (option == 't')
			session_timeout_s = (unsigned int)atoi(optarg);
		else if (option == 's')
			with_suspend = true;
		else if (option == 'y')
			peer.any_session = true;
		else if (option == 'b' && queue_add(&peer.queue, optarg) == 0)
			continue;
		else if (option == 'a' && peer.n_answers < ANSWERS_MAX &&
			 answer_parse(optarg, &peer.answers[peer.n_answers]) == 0)
			peer.n_answers++;
		else
			return usage();
	}
	if (!cert || !key)
		return usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &question, NULL);
	coap_startup();
	coap_set_log_level(LOG_EMERG);
	context = start(port, cert, key, session_timeout_s, with_suspend);
	if (!context) {
		fprintf(stderr, "peer: cannot listen with %s\n", cert);
		return 1;
	}
	while (!ending) {
		if (coap_io_process(context, 500) < 0 && errno != EINTR)
			break;
		if (asked) {
			asked = 0;
			printf("{\"event\":\"asked\"}\n");
			fflush(stdout);
		}
	}
	coap_free_context(context);
	coap_cleanup();
	queue_done(&peer.queue);
	return 0;
}
