/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/devices.h"

#define MESSAGE_SIZE_MAX 1152 /* what libcoap sends at most in one datagram */

void link_done(struct link *l)
{
	device_session_done(&l->session);
	command_list_done(&l->handed);
	*l = (struct link){0};
}

bool link_is_auth(const char *path)
{
	return strcmp(path, "p/auth-jwt") == 0 || strcmp(path, "p/auth") == 0 ||
	       strcmp(path, "auth/jwt") == 0;
}

struct link_proof *link_proof(struct link *l, const char *path)
{
	return strncmp(path, "p/", 2) == 0 ? &l->provisioning : &l->cloud;
}

static bool payload_is(const struct device_request *r, const char *token)
{
	return r->len == strlen(token) && memcmp(r->payload, token, r->len) == 0;
}

bool link_token_is_good(const struct device_request *r)
{
	struct service *s = service_get();

	if (strcmp(r->path, "auth/jwt") == 0)
		return payload_is(r, s->tokens[SERVICE_CLAIMED][SERVICE_TOKEN_CLOUD]);
	return payload_is(r, s->tokens[SERVICE_CLAIMED][SERVICE_TOKEN_PROVISIONING]) ||
	       payload_is(r, s->tokens[SERVICE_THEIRS][SERVICE_TOKEN_PROVISIONING]);
}

bool link_message_next(struct reader *input, struct link *links, size_t n_links,
		       struct link_message *ret, struct link **ret_link)
{
	static const int64_t pauses_s[] = {0, 0, 0, 0, 1, 61, 400, MAX_AGE_S};
	uint8_t head = reader_u8(input);
	size_t len = reader_be16(input);

	if (input->failed || reader_left(input) == 0)
		return false;
	service_clock_advance(pauses_s[head >> 5]);
	*ret_link = &links[head % n_links];
	if (head % 32 == 31)
		link_done(*ret_link);
	strcpy((*ret_link)->session.address, *ret_link == links ? "192.0.2.1" : "192.0.2.2");
	ret->raw = NULL;
	len = MIN(len, reader_left(input));
	reader_init(&ret->datagram, reader_bytes(input, len), len);
	return true;
}

static void put_token(struct device_request *r, struct service *s, struct link *l)
{
	unsigned int i = r->payload[1] % LINK_TOKENS;
	const char *token = s->tokens[i / SERVICE_TOKENS][i % SERVICE_TOKENS];

	l->token = i + 1;
	r->payload = (const uint8_t *)token;
	r->len = strlen(token);
}

static void put_report(struct link_message *m, const struct command_list *handed)
{
	struct device_request *r = &m->pdu.request;
	_cleanup_(freep) char *text = strndup((const char *)r->payload + 2, r->len - 2);
	struct response answers[COMMANDS_MAX] = {0};
	size_t n;

	for (size_t i = 0; i < handed->n; i++) {
		answers[i].code = (enum response_code)(RESPONSE_ERROR + r->payload[1] % 4);
		answers[i].cme_error = r->payload[1];
		memcpy(answers[i].correlation, handed->items[i].correlation,
		       sizeof(answers[i].correlation));
		answers[i].message = text;
	}
	if (response_list_encode(answers, handed->n, m->report, sizeof(m->report), &r->len, &n) ==
	    0)
		r->payload = m->report;
}

bool link_message_read(struct link_message *m, struct service *s, struct link *l)
{
	struct device_request *r = &m->pdu.request;
	coap_pdu_code_t code;

	coap_set_log_level(LOG_EMERG);
	l->token = 0;
	m->pdu.path = NULL;
	m->raw = coap_pdu_init(COAP_MESSAGE_CON, 0, 0, m->datagram.len);
	FUZZ_ASSERT(m->raw);
	if (!coap_pdu_parse(COAP_PROTO_DTLS, m->datagram.data, m->datagram.len, m->raw))
		return false;
	code = coap_pdu_get_code(m->raw);
	if (code < 1 || code >= 32) /* no request */
		return false;
	if (device_pdu_read(m->raw, &m->pdu) != 0)
		return false;
	if (r->len == 2 && r->payload[0] == '$')
		put_token(r, s, l);
	else if (r->len > 1 && r->payload[0] == '%' && l->handed.n > 0)
		put_report(m, &l->handed);
	return true;
}

void link_message_done(struct link_message *m)
{
	device_pdu_done(&m->pdu);
	coap_delete_pdu(m->raw);
	m->raw = NULL;
}

void link_answer_write(const struct device_answer *a)
{
	coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_ACK, 0, 1, MESSAGE_SIZE_MAX);
	const uint8_t *payload;
	size_t len = 0;

	FUZZ_ASSERT(pdu);
	device_pdu_write(pdu, a);
	FUZZ_ASSERT(coap_pdu_get_code(pdu) == (coap_pdu_code_t)a->code);
	(void)coap_get_data(pdu, &len, &payload);
	FUZZ_ASSERT(len == a->len);
	coap_delete_pdu(pdu);
}
