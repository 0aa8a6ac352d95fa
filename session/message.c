/* SPDX-License-Identifier: Apache-2.0 */
#include "session/message.h"

#include <coap3/coap.h>
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/secret.h"

#define HEADER_LEN 4
#define VERSION 1
#define PAYLOAD_MARKER 0xff
#define OPTION_PART_MAX 255 /* RFC 7252 §5.10, Uri-Path and Uri-Query */

void message_init(struct message *m, enum message_type type, uint8_t code, uint16_t mid,
		  const uint8_t *token, size_t token_len)
{
	*m = (struct message){.type = type, .code = code, .mid = mid};
	if (token_len > MESSAGE_TOKEN_MAX) {
		m->failed = true;
		return;
	}
	m->token_len = token_len;
	if (token_len > 0)
		memcpy(m->token, token, token_len);
}

void message_add(struct message *m, uint16_t number, const void *value, size_t len)
{
	if (m->failed)
		return;
	if (m->n_options == MESSAGE_MAX_OPTIONS || len > MESSAGE_MAX ||
	    (m->n_options > 0 && m->options[m->n_options - 1].number > number)) {
		m->failed = true;
		return;
	}
	m->options[m->n_options++] = (struct message_option){number, (uint16_t)len, value};
}

void message_add_uint(struct message *m, uint16_t number, uint32_t value)
{
	uint8_t *to;
	unsigned int len;

	if (m->failed || m->n_options == MESSAGE_MAX_OPTIONS) {
		m->failed = true;
		return;
	}
	to = m->uints[m->n_options];
	len = coap_encode_var_safe(to, sizeof(m->uints[0]), value);
	message_add(m, number, to, len);
}

void message_add_parts(struct message *m, uint16_t number, const char *text, char separator)
{
	const char *end;

	if (!text)
		return;
	while (*text == separator)
		text++;
	while (*text) {
		size_t len;

		end = strchr(text, separator);
		len = end ? (size_t)(end - text) : strlen(text);
		if (len == 0 || len > OPTION_PART_MAX || (end && !end[1])) {
			m->failed = true;
			return;
		}
		message_add(m, number, text, len);
		text += len + (end ? 1 : 0);
	}
}

static void write_option(struct writer *w, uint16_t delta, const struct message_option *option)
{
	size_t n;

	if (w->failed)
		return;
	if (coap_opt_encode_size(delta, option->len) > w->size - w->len) {
		w->failed = true;
		return;
	}
	n = coap_opt_encode((coap_opt_t *)w->data + w->len, w->size - w->len, delta, option->value,
			    option->len);
	if (n == 0)
		w->failed = true;
	else
		w->len += n;
}

int message_encode(const struct message *m, uint8_t *buf, size_t size, size_t *ret_len)
{
	struct writer w;
	uint16_t last = 0;

	if (m->failed)
		return -EINVAL;
	writer_init(&w, buf, size);
	writer_u8(&w, (uint8_t)(VERSION << 6 | (unsigned int)m->type << 4 | m->token_len));
	writer_u8(&w, m->code);
	writer_be16(&w, m->mid);
	writer_bytes(&w, m->token, m->token_len);
	for (size_t i = 0; i < m->n_options; i++) {
		write_option(&w, (uint16_t)(m->options[i].number - last), &m->options[i]);
		last = m->options[i].number;
	}
	/* RFC 7252 §3: a marker followed by no payload is a format error. */
	if (m->payload_len > 0) {
		writer_u8(&w, PAYLOAD_MARKER);
		writer_bytes(&w, m->payload, m->payload_len);
	}
	if (!writer_ok(&w))
		return -EMSGSIZE;
	*ret_len = w.len;
	return 0;
}

bool message_peek(const uint8_t *data, size_t len, enum message_type *ret_type, uint16_t *ret_mid)
{
	if (len < HEADER_LEN || data[0] >> 6 != VERSION)
		return false;
	*ret_type = (enum message_type)(data[0] >> 4 & 3);
	*ret_mid = (uint16_t)(data[2] << 8 | data[3]);
	return true;
}

/* libcoap judges the whole message: option lengths, the order, the payload marker. */
static int check(const uint8_t *data, size_t len)
{
	const uint8_t *copy;
	coap_pdu_t *pdu;
	size_t n;
	int ok;

	coap_set_log_level(0); /* it would warn about what a peer sent */
	pdu = coap_pdu_init(0, 0, 0, len);
	if (!pdu)
		return -ENOMEM;
	ok = coap_pdu_parse(COAP_PROTO_DTLS, data, len, pdu);
	/* A payload may carry a private key, and libcoap does not wipe its copy. */
	if (coap_get_data(pdu, &n, &copy))
		secret_wipe((uint8_t *)copy, n);
	coap_delete_pdu(pdu);
	return ok ? 0 : MESSAGE_E_FORMAT;
}

/* RFC 7252 §3.1: a delta is at most 65535, but its longest form can say more, and libcoap keeps it
 * in 16 bits. */
static bool is_delta_too_large(const struct reader *r)
{
	const uint8_t *option = r->data + r->pos;

	return option[0] >> 4 == 14 && reader_left(r) > 2 &&
	       (option[1] << 8 | option[2]) > UINT16_MAX - 269;
}

static int decode_options(struct reader *r, struct message *m)
{
	uint32_t number = 0;

	while (reader_left(r) > 0 && r->data[r->pos] != PAYLOAD_MARKER) {
		coap_option_t option;
		size_t n = coap_opt_parse(r->data + r->pos, reader_left(r), &option);

		if (is_delta_too_large(r) || n == 0 || !reader_bytes(r, n))
			return MESSAGE_E_FORMAT;
		number += option.delta;
		if (number > UINT16_MAX || option.length > UINT16_MAX ||
		    m->n_options == MESSAGE_MAX_OPTIONS)
			return MESSAGE_E_FORMAT;
		m->options[m->n_options++] = (struct message_option){
			(uint16_t)number, (uint16_t)option.length, option.value};
	}
	return 0;
}

int message_decode(const uint8_t *data, size_t len, struct message *ret)
{
	struct message m = {.type = MESSAGE_CON};
	const uint8_t *token;
	struct reader r;
	uint8_t first;
	int e;

	reader_init(&r, data, len);
	first = reader_u8(&r);
	m.code = reader_u8(&r);
	m.mid = reader_be16(&r);
	m.type = (enum message_type)(first >> 4 & 3);
	m.token_len = first & 15;
	if (r.failed || first >> 6 != VERSION || m.token_len > MESSAGE_TOKEN_MAX)
		return MESSAGE_E_FORMAT;
	token = reader_bytes(&r, m.token_len);
	if (!token)
		return MESSAGE_E_FORMAT;
	memcpy(m.token, token, m.token_len);
	/* RFC 7252 §4.1: an Empty message is the header and nothing else. */
	if (m.code == MESSAGE_CODE_EMPTY && len != HEADER_LEN)
		return MESSAGE_E_FORMAT;
	e = check(data, len);
	if (e != 0)
		return e;
	e = decode_options(&r, &m);
	if (e != 0)
		return e;
	if (reader_left(&r) > 0) {
		m.payload_len = reader_left(&r) - 1;
		if (m.payload_len == 0)
			return MESSAGE_E_FORMAT;
		m.payload = reader_bytes(&r, m.payload_len + 1) + 1;
	}
	*ret = m;
	return 0;
}

const struct message_option *message_find(const struct message *m, uint16_t number)
{
	for (size_t i = 0; i < m->n_options; i++) {
		if (m->options[i].number == number)
			return &m->options[i];
	}
	return NULL;
}

int message_uint(const struct message_option *option, uint32_t *ret)
{
	uint32_t v = 0;

	if (option->len > sizeof(v))
		return MESSAGE_E_FORMAT;
	for (size_t i = 0; i < option->len; i++)
		v = v << 8 | option->value[i];
	*ret = v;
	return 0;
}
