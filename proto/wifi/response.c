/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "proto/wifi/wifi.pb-c.h"
#include "proto/wifi/wire.h"

#define IP4_LEN sizeof(((struct wifi_device_status *)NULL)->ip4)

/* A DeviceStatus with all that it points to. */
struct status_message {
	Wifi__DeviceStatus message;
	Wifi__WifiInfo network;
	Wifi__ConnectionInfo connection;
};

static int status_write(const struct wifi_device_status *s, struct status_message *ret)
{
	int r;

	if (s->has_state && s->state > WIFI_STATE_CONNECTION_FAILED)
		return -EINVAL;
	ret->message = (Wifi__DeviceStatus)WIFI__DEVICE_STATUS__INIT;
	ret->message.has_state = s->has_state;
	if (s->has_state)
		ret->message.state = (Wifi__ConnectionState)s->state;
	if (s->has_network) {
		r = wire_from_network(&s->network, &ret->network);
		if (r < 0)
			return r;
		ret->message.provisioning_info = &ret->network;
	}
	if (s->has_ip4) {
		ret->connection = (Wifi__ConnectionInfo)WIFI__CONNECTION_INFO__INIT;
		ret->connection.has_ip4_addr = true;
		ret->connection.ip4_addr =
			(ProtobufCBinaryData){.len = IP4_LEN, .data = (uint8_t *)s->ip4};
		ret->message.connection_info = &ret->connection;
	}
	return 0;
}

static int status_read(const Wifi__DeviceStatus *m, struct wifi_device_status *ret)
{
	int r;

	ret->has_state = m->has_state && (uint32_t)m->state <= WIFI_STATE_CONNECTION_FAILED;
	if (ret->has_state)
		ret->state = (enum wifi_state)m->state;
	ret->has_network = m->provisioning_info != NULL;
	if (m->provisioning_info) {
		r = wire_to_network(m->provisioning_info, &ret->network);
		if (r < 0)
			return r;
	}
	if (m->connection_info && m->connection_info->has_ip4_addr) {
		const ProtobufCBinaryData *address = &m->connection_info->ip4_addr;

		if (address->len != IP4_LEN)
			return -EBADMSG;
		memcpy(ret->ip4, address->data, IP4_LEN);
		ret->has_ip4 = true;
	}
	return 0;
}

int wifi_response_encode(const struct wifi_response *r, uint8_t *ret, size_t size, size_t *ret_len)
{
	Wifi__Response m = WIFI__RESPONSE__INIT;
	struct status_message status;
	int e;

	if (r->has_answer && r->answer > WIFI_ANSWER_INTERNAL_ERROR)
		return -EINVAL;
	m.has_request_op_code = r->has_op;
	m.request_op_code = r->op;
	m.has_status = r->has_answer;
	if (r->has_answer)
		m.status = (Wifi__Status)r->answer;
	if (r->has_device_status) {
		e = status_write(&r->device_status, &status);
		if (e < 0)
			return e;
		m.device_status = &status.message;
	}
	return wire_pack(&m.base, ret, size, ret_len);
}

int wifi_response_decode(const void *data, size_t len, struct wifi_response *ret)
{
	_cleanup_(wire_arena_done) struct wire_arena arena;
	struct wifi_response response = {0};
	const Wifi__Response *m;
	int r;

	wire_arena_init(&arena);
	m = wire_unpack(&arena, &wifi__response__descriptor, data, len);
	if (!m)
		return -EBADMSG;
	response.has_op = m->has_request_op_code;
	if (m->has_request_op_code)
		response.op = m->request_op_code;
	response.has_answer = m->has_status && (uint32_t)m->status <= WIFI_ANSWER_INTERNAL_ERROR;
	if (response.has_answer)
		response.answer = (enum wifi_answer)m->status;
	response.has_device_status = m->device_status != NULL;
	if (m->device_status) {
		r = status_read(m->device_status, &response.device_status);
		if (r < 0)
			return r;
	}
	*ret = response;
	return 0;
}
