/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "proto/wifi/wifi.pb-c.h"
#include "proto/wifi/wire.h"

/* What the generated WifiConfig leaves out, because its types differ from release to release:
 *   first SDK, iOS app     3 volatile_memory
 *   Android app            3 volatile_memory  4 any_channel
 *   SDK of early 2025      3 volatile_memory  4 certs
 *   SDK of mid-2025        3 certs            4 volatile_memory
 *   SDK since then         3 volatile_memory  4 any_channel      5 certs
 * The wire type tells the booleans from the message. Only volatile_memory of mid-2025 reads as
 * any_channel; no app that is out has ever sent that. */
enum {
	FIELD_VOLATILE_MEMORY = 3,
	FIELD_ANY_CHANNEL = 4,
	FIELD_CERTS = 5,
};

/* A WifiConfig with all that it points to. Borrows from the struct wifi_config. */
struct config_message {
	Wifi__WifiConfig message;
	Wifi__WifiInfo wifi;
	uint8_t is_volatile, any_channel;
	ProtobufCMessageUnknownField extra[2];
};

static ProtobufCMessageUnknownField bool_field(uint32_t tag, uint8_t *value)
{
	return (ProtobufCMessageUnknownField){
		.tag = tag, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = value};
}

static int config_write(const struct wifi_config *c, bool has_network, struct config_message *ret)
{
	int r;

	if (c->passphrase_len > WIFI_PASSPHRASE_MAX ||
	    (!c->has_passphrase && c->passphrase_len > 0))
		return -EINVAL;
	ret->message = (Wifi__WifiConfig)WIFI__WIFI_CONFIG__INIT;
	if (has_network) {
		r = wire_from_network(&c->network, &ret->wifi);
		if (r < 0)
			return r;
		ret->message.wifi = &ret->wifi;
	}
	ret->message.has_passphrase = c->has_passphrase;
	ret->message.passphrase =
		(ProtobufCBinaryData){.len = c->passphrase_len, .data = (uint8_t *)c->passphrase};
	ret->is_volatile = c->is_volatile;
	ret->any_channel = c->any_channel;
	ret->extra[0] = bool_field(FIELD_VOLATILE_MEMORY, &ret->is_volatile);
	ret->extra[1] = bool_field(FIELD_ANY_CHANNEL, &ret->any_channel);
	ret->message.base.n_unknown_fields = c->has_any_channel ? 2 : 1;
	ret->message.base.unknown_fields = ret->extra;
	return 0;
}

/* Of a varint of at most ten bytes, as protobuf-c has cut it out. */
static bool varint_is_true(const ProtobufCMessageUnknownField *f)
{
	for (size_t i = 0; i < f->len; i++) {
		if (f->data[i] & 0x7f)
			return true;
	}
	return false;
}

static void config_read_extra(const ProtobufCMessageUnknownField *f, struct wifi_config *c)
{
	if (f->tag < FIELD_VOLATILE_MEMORY || f->tag > FIELD_CERTS)
		return;
	if (f->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
		c->has_certs = true;
	} else if (f->wire_type == PROTOBUF_C_WIRE_TYPE_VARINT && f->tag == FIELD_VOLATILE_MEMORY) {
		c->is_volatile = varint_is_true(f);
	} else if (f->wire_type == PROTOBUF_C_WIRE_TYPE_VARINT && f->tag == FIELD_ANY_CHANNEL) {
		c->has_any_channel = true;
		c->any_channel = varint_is_true(f);
	}
}

/* Fills in *ret, which is all zero. What it leaves there after an error the caller wipes. */
static int config_read(const Wifi__WifiConfig *m, bool *ret_has_network, struct wifi_config *ret)
{
	int r;

	if (m->wifi) {
		r = wire_to_network(m->wifi, &ret->network);
		if (r < 0)
			return r;
	}
	if (m->has_passphrase) {
		if (m->passphrase.len > WIFI_PASSPHRASE_MAX)
			return -EBADMSG;
		if (m->passphrase.len > 0)
			memcpy(ret->passphrase, m->passphrase.data, m->passphrase.len);
		ret->passphrase_len = m->passphrase.len;
		ret->has_passphrase = true;
	}
	for (unsigned int i = 0; i < m->base.n_unknown_fields; i++)
		config_read_extra(&m->base.unknown_fields[i], ret);
	*ret_has_network = m->wifi != NULL;
	return 0;
}

int wifi_config_encode(const struct wifi_config *c, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct config_message m;
	int r;

	r = config_write(c, true, &m);
	if (r < 0)
		return r;
	return wire_pack(&m.message.base, ret, size, ret_len);
}

int wifi_config_decode(const void *data, size_t len, struct wifi_config *ret)
{
	_cleanup_(wire_arena_done) struct wire_arena arena;
	_cleanup_(wifi_config_wipe) struct wifi_config c = {0};
	const Wifi__WifiConfig *m;
	bool has_network;
	int r;

	wire_arena_init(&arena);
	m = wire_unpack(&arena, &wifi__wifi_config__descriptor, data, len);
	if (!m)
		return -EBADMSG;
	r = config_read(m, &has_network, &c);
	if (r < 0)
		return r;
	if (!has_network)
		return -EBADMSG;
	*ret = c;
	return 0;
}

static int scan_params_write(const struct wifi_scan_params *p, Wifi__ScanParams *ret)
{
	if (p->band > WIFI_BAND_5_GHZ)
		return -EINVAL;
	*ret = (Wifi__ScanParams)WIFI__SCAN_PARAMS__INIT;
	/* As the iOS app does: the band always, what is default not at all. */
	ret->has_band = true;
	ret->band = (Wifi__Band)p->band;
	ret->has_passive = ret->passive = p->passive;
	ret->has_period_ms = p->period_ms != 0;
	ret->period_ms = p->period_ms;
	ret->has_group_channels = p->group_channels != 0;
	ret->group_channels = p->group_channels;
	return 0;
}

static struct wifi_scan_params scan_params_read(const Wifi__ScanParams *m)
{
	return (struct wifi_scan_params){
		.band = wire_to_band(m->has_band, (uint32_t)m->band),
		.passive = m->has_passive && m->passive,
		.period_ms = m->has_period_ms ? m->period_ms : 0,
		.group_channels = m->has_group_channels ? m->group_channels : 0,
	};
}

int wifi_request_encode(const struct wifi_request *r, uint8_t *ret, size_t size, size_t *ret_len)
{
	Wifi__Request m = WIFI__REQUEST__INIT;
	Wifi__ScanParams scan_params;
	struct config_message config;
	int e;

	if (r->label_code_len > WIFI_LABEL_CODE_MAX || (r->has_network && !r->has_config))
		return -EINVAL;
	m.has_op_code = r->op != 0;
	m.op_code = r->op;
	if (r->has_scan_params) {
		e = scan_params_write(&r->scan_params, &scan_params);
		if (e < 0)
			return e;
		m.scan_params = &scan_params;
	}
	if (r->has_config) {
		e = config_write(&r->config, r->has_network, &config);
		if (e < 0)
			return e;
		m.config = &config.message;
	}
	m.has_label_code = r->label_code_len > 0;
	m.label_code =
		(ProtobufCBinaryData){.len = r->label_code_len, .data = (uint8_t *)r->label_code};
	return wire_pack(&m.base, ret, size, ret_len);
}

static int request_read(const Wifi__Request *m, struct wifi_request *ret)
{
	int r;

	ret->op = m->has_op_code ? m->op_code : 0;
	ret->has_scan_params = m->scan_params != NULL;
	if (m->scan_params)
		ret->scan_params = scan_params_read(m->scan_params);
	ret->has_config = m->config != NULL;
	if (m->config) {
		r = config_read(m->config, &ret->has_network, &ret->config);
		if (r < 0)
			return r;
	}
	if (m->has_label_code) {
		if (m->label_code.len > WIFI_LABEL_CODE_MAX)
			return -EBADMSG;
		if (m->label_code.len > 0)
			memcpy(ret->label_code, m->label_code.data, m->label_code.len);
		ret->label_code_len = m->label_code.len;
	}
	return 0;
}

int wifi_request_decode(const void *data, size_t len, struct wifi_request *ret)
{
	_cleanup_(wire_arena_done) struct wire_arena arena;
	_cleanup_(wifi_request_wipe) struct wifi_request request = {0};
	const Wifi__Request *m;
	int r;

	wire_arena_init(&arena);
	m = wire_unpack(&arena, &wifi__request__descriptor, data, len);
	if (!m)
		return -EBADMSG;
	r = request_read(m, &request);
	if (r < 0)
		return r;
	*ret = request;
	return 0;
}

void wifi_request_wipe(struct wifi_request *r)
{
	secret_wipe(r, sizeof(*r));
}
