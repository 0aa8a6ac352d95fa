/* SPDX-License-Identifier: Apache-2.0 */
#include "service/device_pdu.h"

#include <string.h>

#include "base/log.h"

/* 0, or the code that refuses the request. */
static uint8_t take_option(coap_option_num_t number, const uint8_t *value, size_t len,
			   struct device_pdu *parsed)
{
	struct device_request *request = &parsed->request;

	switch (number) {
	case COAP_OPTION_URI_QUERY:
		if (request->n_query == DEVICE_QUERY_MAX)
			return DEVICE_CODE(4, 0);
		request->query[request->n_query++] =
			(struct device_query_item){(const char *)value, len};
		break;
	case COAP_OPTION_CONTENT_FORMAT:
		request->format = (int)coap_decode_var_bytes(value, len);
		break;
	case COAP_OPTION_ACCEPT:
		request->accept = (int)coap_decode_var_bytes(value, len);
		break;
	case COAP_OPTION_BLOCK1:
		if (block_decode(value, len, &parsed->block1) < 0)
			return DEVICE_CODE(4, 0);
		request->block1 = &parsed->block1;
		break;
	case COAP_OPTION_BLOCK2:
		if (block_decode(value, len, &parsed->block2) < 0)
			return DEVICE_CODE(4, 0);
		request->block2 = &parsed->block2;
		break;
	case COAP_OPTION_SIZE1:
		request->size1 = coap_decode_var_bytes(value, len);
		break;
	case COAP_OPTION_RTAG:
		if (len > REQUEST_TAG_MAX || request->has_tag)
			return DEVICE_CODE(4, 0);
		memcpy(request->tag, value, len);
		request->tag_len = (uint8_t)len;
		request->has_tag = true;
		break;
	default: /* libcoap has refused critical options that it does not know */
		break;
	}
	return 0;
}

static uint8_t take_options(const coap_pdu_t *pdu, struct device_pdu *parsed)
{
	coap_opt_iterator_t it;
	coap_opt_t *option;

	if (!coap_option_iterator_init(pdu, &it, COAP_OPT_ALL))
		return 0;
	while ((option = coap_option_next(&it)) != NULL) {
		uint8_t code = take_option(it.number, coap_opt_value(option),
					   coap_opt_length(option), parsed);

		if (code)
			return code;
	}
	return 0;
}

uint8_t device_pdu_read(const coap_pdu_t *pdu, struct device_pdu *ret)
{
	coap_string_t *path = coap_get_uri_path(pdu);

	*ret = (struct device_pdu){
		.request = {.method = (uint8_t)coap_pdu_get_code(pdu),
			    .path = path && path->s ? (const char *)path->s : "",
			    .is_confirmable = coap_pdu_get_type(pdu) == COAP_MESSAGE_CON,
			    .format = -1,
			    .accept = -1},
		.path = path,
	};
	(void)coap_get_data(pdu, &ret->request.len, &ret->request.payload);
	return take_options(pdu, ret);
}

void device_pdu_done(struct device_pdu *d)
{
	coap_delete_string(TAKE_PTR(d->path));
}

static bool add_uint(coap_pdu_t *response, coap_option_num_t number, uint32_t value)
{
	uint8_t buf[4];

	return coap_add_option(response, number, coap_encode_var_safe(buf, sizeof(buf), value),
			       buf) > 0;
}

static bool add_block(coap_pdu_t *response, coap_option_num_t number, const struct block *block)
{
	uint8_t buf[BLOCK_OPTION_MAX];

	return coap_add_option(response, number, block_encode(block, buf), buf) > 0;
}

void device_pdu_write(coap_pdu_t *response, const struct device_answer *a)
{
	uint8_t etag[4] = {(uint8_t)(a->etag >> 24), (uint8_t)(a->etag >> 16),
			   (uint8_t)(a->etag >> 8), (uint8_t)a->etag};
	bool ok = true;

	coap_pdu_set_code(response, (coap_pdu_code_t)a->code);
	/* Ascending numbers; every value far below the 12 bytes that stock devices can take. */
	if (a->has_etag)
		ok = ok && coap_add_option(response, COAP_OPTION_ETAG, sizeof(etag), etag) > 0;
	if (a->has_format)
		ok = ok && add_uint(response, COAP_OPTION_CONTENT_FORMAT, a->format);
	if (a->has_max_age)
		ok = ok && add_uint(response, COAP_OPTION_MAXAGE, a->max_age);
	if (a->has_block2)
		ok = ok && add_block(response, COAP_OPTION_BLOCK2, &a->block2);
	if (a->has_block1)
		ok = ok && add_block(response, COAP_OPTION_BLOCK1, &a->block1);
	if (a->has_size1)
		ok = ok && add_uint(response, COAP_OPTION_SIZE1, a->size1);
	if (a->len > 0)
		ok = ok && coap_add_data(response, a->len, a->payload) > 0;
	if (!ok) {
		log_warning("device-answer-lost: libcoap cannot hold %zu bytes", a->len);
		coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
	}
}
