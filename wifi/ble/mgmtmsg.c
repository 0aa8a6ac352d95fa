/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/mgmtmsg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cursor.h"

#define EVENT_COMMAND_COMPLETE 0x0001
#define EVENT_COMMAND_STATUS 0x0002
#define EVENT_AUTH_FAILED 0x0011
#define EVENT_ADVERTISING_REMOVED 0x0024

/* Without a flag for a secondary channel the kernel sends legacy packets, also where the
 * controller could do more. The Flags structure is part of our data. */
#define FLAG_CONNECTABLE 0x0001u
#define FLAG_HAS_INTERVALS 0x4000u
#define TX_POWER_ANY 127

/* The socket speaks little endian on every machine. */
static void put_le16(struct writer *w, uint16_t v)
{
	writer_u8(w, (uint8_t)v);
	writer_u8(w, (uint8_t)(v >> 8));
}

static void put_le32(struct writer *w, uint32_t v)
{
	put_le16(w, (uint16_t)v);
	put_le16(w, (uint16_t)(v >> 16));
}

static uint16_t get_le16(struct reader *r)
{
	uint8_t low = reader_u8(r);

	return (uint16_t)(low | reader_u8(r) << 8);
}

static void start(struct writer *w, uint8_t *ret, enum mgmt_op op, unsigned int index)
{
	writer_init(w, ret, MGMTMSG_MAX);
	put_le16(w, (uint16_t)op);
	put_le16(w, (uint16_t)index);
	put_le16(w, 0); /* the length, known at the end */
}

static size_t finish(struct writer *w)
{
	size_t len = w->len - 6;

	assert(writer_ok(w));
	w->data[4] = (uint8_t)len;
	w->data[5] = (uint8_t)(len >> 8);
	return w->len;
}

static void put_data(struct writer *w, const struct advertdata *d)
{
	writer_u8(w, (uint8_t)d->ad_len);
	writer_u8(w, (uint8_t)d->scan_response_len);
	writer_bytes(w, d->ad, d->ad_len);
	writer_bytes(w, d->scan_response, d->scan_response_len);
}

size_t mgmtmsg_read_features(unsigned int index, uint8_t ret[static MGMTMSG_MAX])
{
	struct writer w;

	start(&w, ret, MGMT_OP_READ_ADVERTISING_FEATURES, index);
	return finish(&w);
}

size_t mgmtmsg_remove(unsigned int index, uint8_t instance, uint8_t ret[static MGMTMSG_MAX])
{
	struct writer w;

	start(&w, ret, MGMT_OP_REMOVE_ADVERTISING, index);
	writer_u8(&w, instance);
	return finish(&w);
}

size_t mgmtmsg_ext_params(unsigned int index, uint8_t instance, const struct advertdata *d,
			  uint8_t ret[static MGMTMSG_MAX])
{
	struct writer w;

	start(&w, ret, MGMT_OP_ADD_EXT_PARAMS, index);
	writer_u8(&w, instance);
	put_le32(&w, FLAG_CONNECTABLE | FLAG_HAS_INTERVALS);
	put_le16(&w, 0); /* duration: the kernel's choice */
	put_le16(&w, 0); /* timeout: none */
	put_le32(&w, d->min_interval);
	put_le32(&w, d->max_interval);
	writer_u8(&w, TX_POWER_ANY);
	return finish(&w);
}

size_t mgmtmsg_ext_data(unsigned int index, uint8_t instance, const struct advertdata *d,
			uint8_t ret[static MGMTMSG_MAX])
{
	struct writer w;

	start(&w, ret, MGMT_OP_ADD_EXT_DATA, index);
	writer_u8(&w, instance);
	put_data(&w, d);
	return finish(&w);
}

size_t mgmtmsg_add(unsigned int index, uint8_t instance, const struct advertdata *d,
		   uint8_t ret[static MGMTMSG_MAX])
{
	struct writer w;

	start(&w, ret, MGMT_OP_ADD_ADVERTISING, index);
	writer_u8(&w, instance);
	put_le32(&w, FLAG_CONNECTABLE);
	put_le16(&w, 0);
	put_le16(&w, 0);
	put_data(&w, d);
	return finish(&w);
}

/* supported flags (4), longest data (1), longest scan response (1), number of instances (1), those
 * in use (1 and as many). */
static int parse_features(struct reader *r, struct mgmtmsg *m)
{
	(void)reader_bytes(r, 6);
	m->instance = reader_u8(r);
	(void)reader_bytes(r, reader_u8(r));
	return reader_done(r) ? 0 : -EBADMSG;
}

static int parse_reply(struct reader *r, struct mgmtmsg *m, bool is_complete)
{
	m->type = MGMTMSG_REPLY;
	m->op = get_le16(r);
	m->status = reader_u8(r);
	if (r->failed)
		return -EBADMSG;
	if (!is_complete)
		return reader_done(r) ? 0 : -EBADMSG;
	if (m->status != MGMT_STATUS_SUCCESS)
		return 0;
	switch (m->op) {
	case MGMT_OP_READ_ADVERTISING_FEATURES:
		return parse_features(r, m);
	case MGMT_OP_ADD_EXT_PARAMS:
		m->instance = reader_u8(r);
		(void)reader_bytes(r, 3); /* power, and how much data fits */
		return reader_done(r) ? 0 : -EBADMSG;
	case MGMT_OP_ADD_EXT_DATA:
	case MGMT_OP_ADD_ADVERTISING:
	case MGMT_OP_REMOVE_ADVERTISING:
		m->instance = reader_u8(r);
		return reader_done(r) ? 0 : -EBADMSG;
	default:
		return 0;
	}
}

static int parse_auth_failed(struct reader *r, struct mgmtmsg *m)
{
	const uint8_t *address = reader_bytes(r, sizeof(m->address));

	(void)reader_u8(r); /* kind of address */
	m->status = reader_u8(r);
	if (!reader_done(r))
		return -EBADMSG;
	m->type = MGMTMSG_AUTH_FAILED;
	memcpy(m->address, address, sizeof(m->address));
	return 0;
}

int mgmtmsg_parse(const void *data, size_t len, struct mgmtmsg *ret)
{
	struct mgmtmsg m = {.type = MGMTMSG_OTHER};
	struct reader r;
	uint16_t event, length;
	int result = 0;

	reader_init(&r, data, len);
	event = get_le16(&r);
	m.index = get_le16(&r);
	length = get_le16(&r);
	if (r.failed || length != reader_left(&r))
		return -EBADMSG;
	switch (event) {
	case EVENT_COMMAND_COMPLETE:
	case EVENT_COMMAND_STATUS:
		result = parse_reply(&r, &m, event == EVENT_COMMAND_COMPLETE);
		break;
	case EVENT_AUTH_FAILED:
		result = parse_auth_failed(&r, &m);
		break;
	case EVENT_ADVERTISING_REMOVED:
		m.type = MGMTMSG_ADVERTISING_REMOVED;
		m.instance = reader_u8(&r);
		result = reader_done(&r) ? 0 : -EBADMSG;
		break;
	default:
		break;
	}
	if (result == 0)
		*ret = m;
	return result;
}

const char *mgmtmsg_status_text(uint8_t status)
{
	static const char *const texts[] = {
		[0x00] = "success",
		[0x01] = "unknown command",
		[0x02] = "not connected",
		[0x03] = "failed",
		[0x0a] = "busy",
		[0x0b] = "rejected",
		[0x0c] = "not supported",
		[0x0d] = "invalid parameters",
		[0x0f] = "the adapter is off",
		[0x11] = "no such adapter",
		[0x12] = "blocked by rfkill",
		[0x14] = "not permitted (CAP_NET_ADMIN is missing)",
	};

	if (status < ARRAY_SIZE(texts) && texts[status])
		return texts[status];
	return "refused";
}
