/* SPDX-License-Identifier: Apache-2.0 */
/* A CoAP server on libcoap for the tests, built once for each of its DTLS libraries:
 *   coap_peer CERTIFICATE KEY PORT IDLE_SECONDS
 * Prints "ready PORT". Ends on SIGTERM with a goodbye to every session, as libcoap does. */
#include <coap3/coap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG_LEN 5000

static volatile sig_atomic_t stop;
static unsigned int suspends, calls;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void on_hello(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		     const coap_string_t *query, coap_pdu_t *response)
{
	(void)resource;
	(void)session;
	(void)request;
	(void)query;
	calls++;
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	coap_add_data(response, 5, (const uint8_t *)"hello");
}

static void on_calls(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		     const coap_string_t *query, coap_pdu_t *response)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "calls=%u suspends=%u", calls, suspends);

	(void)resource;
	(void)session;
	(void)request;
	(void)query;
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	coap_add_data(response, (size_t)n, (const uint8_t *)text);
}

static void release(coap_session_t *session, void *data)
{
	(void)session;
	free(data);
}

static void on_big(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		   const coap_string_t *query, coap_pdu_t *response)
{
	uint8_t *body = malloc(BIG_LEN);

	for (size_t i = 0; i < BIG_LEN; i++)
		body[i] = (uint8_t)(i * 7 + i / 256);
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	coap_add_data_large_response(resource, session, request, response, query,
				     COAP_MEDIATYPE_APPLICATION_CBOR, 60, 0, BIG_LEN, body, release,
				     body);
}

/* Answers with what it got. */
static void on_echo(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		    const coap_string_t *query, coap_pdu_t *response)
{
	const uint8_t *data = NULL;
	size_t len = 0, offset = 0, total = 0;
	uint8_t *copy;

	calls++;
	coap_get_data_large(request, &len, &data, &offset, &total);
	copy = malloc(len + 1);
	if (len > 0)
		memcpy(copy, data, len);
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CHANGED);
	coap_add_data_large_response(resource, session, request, response, query,
				     COAP_MEDIATYPE_APPLICATION_CBOR, -1, 0, len, copy, release,
				     copy);
}

static void on_suspend(coap_resource_t *resource, coap_session_t *session,
		       const coap_pdu_t *request, const coap_string_t *query, coap_pdu_t *response)
{
	(void)resource;
	(void)session;
	(void)query;
	suspends++;
	coap_pdu_set_code(response, coap_pdu_get_type(request) == COAP_MESSAGE_NON
					    ? COAP_RESPONSE_CODE_CONTENT
					    : COAP_RESPONSE_CODE_BAD_REQUEST);
}

static void add(coap_context_t *context, const char *path, coap_request_t method,
		coap_method_handler_t handler)
{
	coap_resource_t *r = coap_resource_init(coap_make_str_const(path), 0);

	coap_register_handler(r, method, handler);
	coap_add_resource(context, r);
}

int main(int argc, char **argv)
{
	coap_dtls_pki_t pki = {.version = COAP_DTLS_PKI_SETUP_VERSION};
	coap_context_t *context;
	coap_endpoint_t *endpoint;
	coap_address_t address;
	const char *port;

	if (argc != 5)
		return 64;
	signal(SIGTERM, on_term);
	coap_startup();
	coap_set_log_level(0);
	context = coap_new_context(NULL);
	pki.pki_key.key_type = COAP_PKI_KEY_PEM;
	pki.pki_key.key.pem.public_cert = argv[1];
	pki.pki_key.key.pem.private_key = argv[2];
	if (!context || !coap_context_set_pki(context, &pki))
		return 1;
	coap_context_set_block_mode(context, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
	coap_context_set_session_timeout(context, (unsigned int)atoi(argv[4]));
	coap_address_init(&address);
	address.size = sizeof(address.addr.sin);
	address.addr.sin.sin_family = AF_INET;
	address.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.addr.sin.sin_port = htons((uint16_t)atoi(argv[3]));
	endpoint = coap_new_endpoint(context, &address, COAP_PROTO_DTLS);
	if (!endpoint)
		return 1;
	add(context, "hello", COAP_REQUEST_GET, on_hello);
	add(context, "calls", COAP_REQUEST_GET, on_calls);
	add(context, "big", COAP_REQUEST_GET, on_big);
	add(context, "echo", COAP_REQUEST_POST, on_echo);
	add(context, ".dtls/suspend", COAP_REQUEST_POST, on_suspend);
	port = strchr(coap_endpoint_str(endpoint), ':');
	printf("ready %d\n", port ? atoi(port + 1) : 0);
	fflush(stdout);
	while (!stop)
		coap_io_process(context, 50);
	coap_free_context(context);
	coap_cleanup();
	return 0;
}
