/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <coap3/coap.h>

#include "base/clock.h"
#include "fake_core.h"
#include "pki.h"
#include "service/admission.h"
#include "service/assemble.h"
#include "service/device_front.h"
#include "service/metrics.h"

#define WAIT_MS 10000 /* a failure limit: nothing waits for it */

/* The front and a libcoap client of it, driven by one loop. */
struct bench {
	char *pki, *cert, *key, *root;
	sd_event *event;
	struct device_front *front;
	struct metrics *metrics; /* borrowed */
	coap_context_t *coap;
	coap_session_t *session;
	bool is_closed;
	/* the answer to the last request */
	bool is_answered;
	uint8_t code;
	int type, format;
	uint32_t max_age, size1;
	bool has_block1, has_block2, has_etag, has_max_age;
	struct block block1, block2;
	uint8_t etag[8];
	uint8_t payload[2048];
	size_t len, longest_option;
	uint16_t mid;
};

static struct bench *bench_of(const coap_session_t *session)
{
	return coap_get_app_data(coap_session_get_context(session));
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent,
				   const coap_pdu_t *pdu, const coap_mid_t mid)
{
	struct bench *b = bench_of(session);
	coap_opt_iterator_t it;
	const uint8_t *data;
	coap_opt_t *o;

	(void)sent;
	(void)mid;
	b->is_answered = true;
	b->code = (uint8_t)coap_pdu_get_code(pdu);
	b->type = (int)coap_pdu_get_type(pdu);
	b->format = -1;
	b->len = 0;
	b->has_block1 = b->has_block2 = b->has_etag = b->has_max_age = false;
	b->size1 = 0;
	if (coap_get_data(pdu, &b->len, &data)) {
		assert_true(b->len <= sizeof(b->payload));
		memcpy(b->payload, data, b->len);
	}
	coap_option_iterator_init(pdu, &it, COAP_OPT_ALL);
	while ((o = coap_option_next(&it))) {
		const uint8_t *value = coap_opt_value(o);
		size_t len = coap_opt_length(o);

		if (len > b->longest_option)
			b->longest_option = len;
		if (it.number == COAP_OPTION_CONTENT_FORMAT)
			b->format = (int)coap_decode_var_bytes(value, len);
		if (it.number == COAP_OPTION_MAXAGE) {
			b->has_max_age = true;
			b->max_age = coap_decode_var_bytes(value, len);
		}
		if (it.number == COAP_OPTION_SIZE1)
			b->size1 = coap_decode_var_bytes(value, len);
		if (it.number == COAP_OPTION_BLOCK1) {
			b->has_block1 = true;
			assert_int_equal(block_decode(value, len, &b->block1), 0);
		}
		if (it.number == COAP_OPTION_BLOCK2) {
			b->has_block2 = true;
			assert_int_equal(block_decode(value, len, &b->block2), 0);
		}
		if (it.number == COAP_OPTION_ETAG)
			b->has_etag = true;
	}
	return COAP_RESPONSE_OK;
}

static int on_event(coap_session_t *session, const coap_event_t event)
{
	struct bench *b = bench_of(session);

	if (event == COAP_EVENT_DTLS_CLOSED)
		b->is_closed = true;
	return 0;
}

static void on_nack(coap_session_t *session, const coap_pdu_t *sent, const coap_nack_reason_t why,
		    const coap_mid_t mid)
{
	(void)session;
	(void)sent;
	(void)mid;
	print_message("nack %d\n", (int)why);
}

static void turn(struct bench *b)
{
	if (b->front)
		assert_true(sd_event_run(b->event, 2000) >= 0);
	assert_true(coap_io_process(b->coap, COAP_IO_NO_WAIT) >= 0);
}

static void wait_for(struct bench *b, const bool *flag)
{
	uint64_t until = clock_ms() + WAIT_MS;

	while (!*flag) {
		assert_true(clock_ms() < until);
		turn(b);
	}
}

/* libcoap-gnutls announces no finished handshake: the state of the session tells. */
static void wait_for_handshake(struct bench *b)
{
	uint64_t until = clock_ms() + WAIT_MS;

	while (coap_session_get_state(b->session) != COAP_SESSION_STATE_ESTABLISHED) {
		assert_true(clock_ms() < until);
		turn(b);
	}
}

static void connect_client(struct bench *b)
{
	coap_dtls_pki_t pki = {
		.version = COAP_DTLS_PKI_SETUP_VERSION,
		.verify_peer_cert = 1,
		.cert_chain_validation = 1,
		.cert_chain_verify_depth = 3,
		.check_common_ca = 0,
		.pki_key.key_type = COAP_PKI_KEY_PEM,
	};
	coap_address_t to;

	coap_address_init(&to);
	to.size = sizeof(to.addr.sin);
	to.addr.sin.sin_family = AF_INET;
	to.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.addr.sin.sin_port = htons(device_front_port(b->front));
	b->is_closed = false;
	b->session = coap_new_client_session_pki(b->coap, NULL, &to, COAP_PROTO_DTLS, &pki);
	assert_non_null(b->session);
	wait_for_handshake(b);
}

static void open_front(struct bench *b, unsigned int timeout_s, unsigned int max_sessions)
{
	struct device_front_config config = {
		.listen = "127.0.0.1:0",
		.cert_file = b->cert,
		.key_file = b->key,
		.session_timeout_s = timeout_s,
		.max_sessions = max_sessions,
		.session_max_age_s = 2592000,
		.metrics = b->metrics,
	};
	char *detail = NULL;

	assert_int_equal(device_front_new(b->event, NULL, &config, &b->front, &detail), 0);
	assert_int_not_equal(device_front_port(b->front), 0);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	fake_reset();
	b->pki = pki_make();
	b->cert = pki_path(b->pki, "chain.pem");
	b->key = pki_path(b->pki, "leaf.key");
	b->root = pki_path(b->pki, "root.pem");
	assert_true(sd_event_new(&b->event) >= 0);
	open_front(b, 600, 100);
	b->coap = coap_new_context(NULL);
	assert_non_null(b->coap);
	assert_true(coap_context_set_pki_root_cas(b->coap, b->root, NULL));
	coap_context_set_block_mode(b->coap, 0);
	coap_set_app_data(b->coap, b);
	coap_register_response_handler(b->coap, on_response);
	coap_register_event_handler(b->coap, on_event);
	coap_register_nack_handler(b->coap, on_nack);
	connect_client(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	coap_free_context(b->coap);
	device_front_free(b->front);
	sd_event_unref(b->event);
	pki_free(b->pki);
	free(b->cert);
	free(b->key);
	free(b->root);
	free(b);
	fake_reset();
	return 0;
}

/* ---- requests ---- */

struct ask {
	uint8_t method;
	const char *path, *query; /* joined by "&" */
	bool is_non;
	int format, accept; /* 0 for absent; JWTs go out as 60 like stock devices' */
	const struct block *block1, *block2;
	const char *tag;
	const void *payload;
	size_t len;
};

static void add_segments(coap_pdu_t *pdu, coap_option_num_t number, const char *text, char between)
{
	while (*text) {
		const char *end = strchrnul(text, between);

		coap_add_option(pdu, number, (size_t)(end - text), (const uint8_t *)text);
		text = *end ? end + 1 : end;
	}
}

static void add_block(coap_pdu_t *pdu, coap_option_num_t number, const struct block *b)
{
	uint8_t value[BLOCK_OPTION_MAX];

	if (b)
		coap_add_option(pdu, number, block_encode(b, value), value);
}

static void send_only(struct bench *b, const struct ask *ask)
{
	coap_pdu_t *pdu =
		coap_pdu_init(ask->is_non ? COAP_MESSAGE_NON : COAP_MESSAGE_CON,
			      (coap_pdu_code_t)ask->method, coap_new_message_id(b->session), 1152);
	uint8_t token[8], buf[4];
	size_t token_len;

	assert_non_null(pdu);
	coap_session_new_token(b->session, &token_len, token);
	coap_add_token(pdu, token_len, token);
	add_segments(pdu, COAP_OPTION_URI_PATH, ask->path, '/');
	if (ask->format)
		coap_add_option(pdu, COAP_OPTION_CONTENT_FORMAT,
				coap_encode_var_safe(buf, sizeof(buf), (unsigned)ask->format), buf);
	if (ask->query)
		add_segments(pdu, COAP_OPTION_URI_QUERY, ask->query, '&');
	if (ask->accept)
		coap_add_option(pdu, COAP_OPTION_ACCEPT,
				coap_encode_var_safe(buf, sizeof(buf), (unsigned)ask->accept), buf);
	add_block(pdu, COAP_OPTION_BLOCK2, ask->block2);
	add_block(pdu, COAP_OPTION_BLOCK1, ask->block1);
	if (ask->tag)
		coap_add_option(pdu, COAP_OPTION_RTAG, strlen(ask->tag), (const uint8_t *)ask->tag);
	if (ask->len > 0)
		assert_true(coap_add_data(pdu, ask->len, ask->payload));
	b->is_answered = false;
	assert_true(coap_send(b->session, pdu) != COAP_INVALID_MID);
}

static void send_ask(struct bench *b, const struct ask *ask)
{
	send_only(b, ask);
	wait_for(b, &b->is_answered);
}

#define ASK(b, m, p, ...) send_ask(b, &(struct ask){.method = (m), .path = (p), ##__VA_ARGS__})
#define CODE(b) ((b)->code >> 5) * 100 + ((b)->code & 31)

static void authenticate(struct bench *b)
{
	ASK(b, 2, "p/auth-jwt", .query = "mver=mfw_nrf91x1_2.0.1&cver=v3.1.0", .format = 60,
	    .payload = "eyJ", .len = 3);
	assert_int_equal(CODE(b), 201);
}

static void authentication_unlocks_the_provisioning_resources_only(void **state)
{
	struct bench *b = *state;

	ASK(b, 1, "p/cmd", .query = "after=");
	assert_int_equal(CODE(b), 401);
	authenticate(b);
	assert_true(b->has_max_age);
	assert_int_equal(b->max_age, 2592000);
	assert_int_equal(b->len, 0);
	assert_memory_equal(fake.body, "eyJ", 3);
	ASK(b, 1, "p/cmd", .query = "after=&rxMaxSize=2560&txMaxSize=2048&limit=5");
	assert_int_equal(CODE(b), 205);
	assert_int_equal(b->len, 0);
	assert_int_equal(b->format, -1);
	assert_string_equal(fake.device, FAKE_DEVICE);
	ASK(b, 1, "state");
	assert_int_equal(CODE(b), 401);
	assert_int_equal(fake.n_state_get, 0);
	assert_true(b->longest_option <= 12);
}

static void stock_devices_blocks_arrive_without_size1(void **state)
{
	struct bench *b = *state;
	struct block block = {.szx = 4};
	uint8_t body[700];

	authenticate(b);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7);
	for (block.num = 0; block.num < 3; block.num++) {
		size_t at = block.num * 256, n = block.num == 2 ? 700 - 512 : 256;

		block.more = block.num < 2;
		ASK(b, 2, "p/rsp", .format = 60, .block1 = &block, .tag = "12345678",
		    .payload = body + at, .len = n);
		assert_true(b->has_block1);
		assert_int_equal(b->block1.num, block.num);
		assert_int_equal(CODE(b), block.more ? 231 : 204);
	}
	assert_int_equal(fake.n_report, 1);
	assert_int_equal(fake.body_len, sizeof(body));
	assert_memory_equal(fake.body, body, sizeof(body));
}

static void commands_come_in_the_blocks_that_the_client_wishes(void **state)
{
	struct bench *b = *state;
	struct block block = {.szx = 4};
	uint8_t got[1000];

	authenticate(b);
	for (size_t i = 0; i < sizeof(got); i++)
		fake.commands[i] = (uint8_t)(i * 3);
	fake.commands_len = sizeof(got);
	for (block.num = 0; block.num < 4; block.num++) {
		ASK(b, 1, "p/cmd", .query = "after=&rxMaxSize=1024", .block2 = &block);
		assert_int_equal(CODE(b), 205);
		assert_true(b->has_block2);
		assert_int_equal(b->block2.szx, 4);
		assert_int_equal(b->block2.num, block.num);
		assert_int_equal(b->block2.more, block.num < 3);
		memcpy(got + block.num * 256, b->payload, b->len);
		/* what the device fetches must not change under it */
		fake.commands[999] = 0x55;
	}
	assert_int_equal(b->len, 1000 - 768);
	assert_int_equal(fake.n_fetch, 1);
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], (uint8_t)(i * 3));
	ASK(b, 1, "p/cmd", .query = "after=&rxMaxSize=1024", .block2 = &block);
	assert_int_equal(CODE(b), 400);
}

static void a_body_of_1024_bytes_goes_out_in_one_message(void **state)
{
	struct bench *b = *state;
	struct block block = {.szx = 6};

	authenticate(b);
	fake.commands_len = 1024;
	ASK(b, 1, "p/cmd", .query = "after=&rxMaxSize=2560&txMaxSize=2048&limit=5",
	    .block2 = &block);
	assert_int_equal(CODE(b), 205);
	assert_int_equal(b->format, 60);
	assert_int_equal(b->len, 1024);
	assert_false(b->has_block2);
	assert_false(b->has_etag);
}

static void suspend_is_answered_to_non_only(void **state)
{
	struct bench *b = *state;

	ASK(b, 2, ".dtls/suspend", .is_non = true);
	assert_int_equal(CODE(b), 205);
	assert_int_equal(b->type, COAP_MESSAGE_NON);
	ASK(b, 2, ".dtls/suspend");
	assert_int_equal(CODE(b), 400);
}

static void what_the_table_does_not_name_is_refused(void **state)
{
	struct bench *b = *state;

	authenticate(b);
	ASK(b, 1, "nothing");
	assert_int_equal(CODE(b), 404);
	ASK(b, 1, ".well-known/core");
	assert_int_equal(CODE(b), 404);
	ASK(b, 4, "nothing");
	assert_int_equal(CODE(b), 404);
	ASK(b, 6, "p/cmd/");
	assert_int_equal(CODE(b), 405);
	ASK(b, 1, "p/rsp");
	assert_int_equal(CODE(b), 405);
	ASK(b, 7, "state/reported");
	assert_int_equal(CODE(b), 405);
	ASK(b, 1, "");
	assert_int_equal(CODE(b), 404);
}

static void the_state_is_read_and_reported_after_cloud_authentication(void **state)
{
	static const uint8_t delta[] = {0xa1, 0x67, 'c', 'o', 'm', 'm', 'a', 'n', 'd', 0x82, 1, 7};
	struct bench *b = *state;

	ASK(b, 2, "auth/jwt", .query = "mver=x&cver=1", .payload = "eyJ", .len = 3);
	assert_int_equal(CODE(b), 201);
	ASK(b, 1, "p/cmd");
	assert_int_equal(CODE(b), 401);
	fake.state = json_pack("{s:[ii]}", "command", 1, 7);
	ASK(b, 1, "state", .accept = 60);
	assert_int_equal(CODE(b), 205);
	assert_true(fake.delta);
	assert_int_equal(b->format, 60);
	assert_int_equal(b->len, sizeof(delta));
	assert_memory_equal(b->payload, delta, sizeof(delta));
	ASK(b, 1, "state", .query = "delta=false", .accept = 50);
	assert_false(fake.delta);
	assert_int_equal(b->format, 50);
	assert_memory_equal(b->payload, "{\"command\":[1,7]}", b->len);
	ASK(b, 6, "state/reported", .format = 60, .payload = delta, .len = sizeof(delta));
	assert_int_equal(CODE(b), 204);
	assert_string_equal(fake.json, "{\"command\":[1,7]}");
	assert_string_equal(fake.section, "reported");
	ASK(b, 6, "state/desired", .format = 40, .payload = delta, .len = sizeof(delta));
	assert_int_equal(CODE(b), 415);
}

static void a_new_handshake_proves_nothing(void **state)
{
	struct bench *b = *state;

	authenticate(b);
	coap_session_release(b->session);
	connect_client(b);
	ASK(b, 1, "p/cmd");
	assert_int_equal(CODE(b), 401);
}

static void shutting_down_says_goodbye_to_every_session(void **state)
{
	struct bench *b = *state;

	authenticate(b);
	b->front = device_front_free(b->front);
	wait_for(b, &b->is_closed);
}

static void an_idle_session_ends_with_a_goodbye(void **state)
{
	struct bench *b = *state;

	coap_session_release(b->session);
	b->front = device_front_free(b->front);
	open_front(b, 1, 100);
	connect_client(b);
	authenticate(b);
	wait_for(b, &b->is_closed);
}

static void the_session_that_was_idle_longest_makes_room(void **state)
{
	coap_session_t *first, *second;
	struct bench *b = *state;

	coap_session_release(b->session);
	b->front = device_front_free(b->front);
	open_front(b, 600, 2);
	connect_client(b);
	authenticate(b);
	first = b->session;
	connect_client(b);
	second = b->session;
	assert_false(b->is_closed);
	connect_client(b);
	wait_for(b, &b->is_closed);
	assert_int_not_equal(coap_session_get_state(first), COAP_SESSION_STATE_ESTABLISHED);
	assert_int_equal(coap_session_get_state(second), COAP_SESSION_STATE_ESTABLISHED);
	authenticate(b);
	coap_session_release(first);
	coap_session_release(second);
}

/* What anybody can send from addresses that are not his. */
static void begin_a_handshake(const struct bench *b)
{
	static const uint8_t hello[64] = {22, 0xfe, 0xfd, [11] = 0, 51, 1};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(device_front_port(b->front))};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, hello, sizeof(hello), 0, (struct sockaddr *)&to, sizeof(to)),
			 sizeof(hello));
	close(fd);
}

static void a_thousand_handshakes_that_nobody_ends_keep_no_device_out(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < 1200; i++) {
		begin_a_handshake(b);
		turn(b);
	}
	coap_session_release(b->session);
	connect_client(b);
	authenticate(b);
}

/* The client alone: the front's loop stands still. */
static void wait_without_front(struct bench *b, const bool *flag)
{
	uint64_t until = clock_ms() + WAIT_MS;

	while (!*flag) {
		assert_true(clock_ms() < until);
		assert_true(coap_io_process(b->coap, 100) >= 0);
	}
}

static void what_has_arrived_is_answered_before_the_end_and_nobody_new_is_let_in(void **state)
{
	struct bench *b = *state;
	struct device_front *front = b->front;
	uint8_t byte;

	authenticate(b);
	send_only(b, &(struct ask){.method = 1, .path = "p/cmd", .query = "after="});
	assert_false(b->is_answered);
	device_front_drain(front, WAIT_MS);
	wait_without_front(b, &b->is_answered);
	assert_int_equal(CODE(b), 205);

	begin_a_handshake(b);
	assert_int_equal(recv(admission_find_socket(device_front_port(front)), &byte, 1,
			      MSG_PEEK | MSG_DONTWAIT),
			 -1);

	b->front = NULL;
	device_front_free(front);
	wait_without_front(b, &b->is_closed);
}

static void what_happens_is_counted(void **state)
{
	struct bench *b = *state;
	_cleanup_(metrics_freep) struct metrics *metrics = NULL;
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	coap_session_release(b->session);
	device_front_free(b->front);
	assert_int_equal(metrics_new(&metrics), 0);
	b->metrics = metrics;
	open_front(b, 600, 100);
	connect_client(b);
	ASK(b, 1, "p/cmd", .query = "after=");
	authenticate(b);
	ASK(b, 1, "p/cmd", .query = "after=");
	ASK(b, 1, "no/such");
	device_front_refresh(b->front);
	metrics_write(metrics, out);
	assert_int_equal(fclose(out), 0);
	static const char *const lines[] = {
		"onboard_device_requests_total{resource=\"p/cmd\",code=\"4.01\"} 1\n",
		"onboard_device_requests_total{resource=\"p/cmd\",code=\"2.05\"} 1\n",
		"onboard_device_requests_total{resource=\"p/auth-jwt\",code=\"2.01\"} 1\n",
		"onboard_device_requests_total{resource=\"none\",code=\"4.04\"} 1\n",
		"onboard_device_request_seconds_count{} 4\n",
		"onboard_sessions 1\n",
		"onboard_admission_closed 0\n",
		"onboard_device_queue_limit_bytes ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("%s is missing in:\n%s", lines[i], text);
	/* before what it counted in goes */
	device_front_free(b->front);
	b->front = NULL;
}

static void wrong_files_and_addresses_are_named(void **state)
{
	struct bench *b = *state;
	_cleanup_(freep) char *other = pki_path(b->pki, "other.key");
	struct device_front_config good = {.listen = "127.0.0.1:0",
					   .cert_file = b->cert,
					   .key_file = b->key,
					   .session_timeout_s = 600,
					   .max_sessions = 10,
					   .session_max_age_s = 60};
	struct device_front_config bad[4] = {good, good, good, good};
	const char *const named[] = {"/nonexistent", other, "localhost:1", "192.0.2.1:0"};

	bad[0].cert_file = named[0];
	bad[1].key_file = named[1];
	bad[2].listen = named[2];
	bad[3].listen = named[3];
	for (size_t i = 0; i < 4; i++) {
		_cleanup_(freep) char *detail = NULL;
		struct device_front *f = NULL;

		assert_int_equal(device_front_new(b->event, NULL, &bad[i], &f, &detail),
				 DEVICE_FRONT_E_REFUSED);
		assert_null(f);
		assert_non_null(strstr(detail, named[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			authentication_unlocks_the_provisioning_resources_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stock_devices_blocks_arrive_without_size1, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(commands_come_in_the_blocks_that_the_client_wishes,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_body_of_1024_bytes_goes_out_in_one_message,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(suspend_is_answered_to_non_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_the_table_does_not_name_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			the_state_is_read_and_reported_after_cloud_authentication, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_new_handshake_proves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shutting_down_says_goodbye_to_every_session, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_idle_session_ends_with_a_goodbye, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_session_that_was_idle_longest_makes_room,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_thousand_handshakes_that_nobody_ends_keep_no_device_out, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_has_arrived_is_answered_before_the_end_and_nobody_new_is_let_in,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_happens_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_files_and_addresses_are_named, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
