/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "proto/wifi/wifi.pb-c.h"
#include "proto/wifi/wire.h"

void wifi_claim_wipe(struct wifi_claim *c)
{
	secret_wipe(c, sizeof(*c));
}

static bool is_token_character(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

/* What holds both ways. The text of the token goes to terminals and into requests. */
static bool is_sound(const struct wifi_claim *c)
{
	uint8_t uuid[UUID_LEN];

	if (c->version == 0 || uuid_parse(c->uuid, strlen(c->uuid), uuid) < 0)
		return false;
	if (c->token_whole_len == 0)
		return c->token_len == 0 && c->token_offset == 0;
	for (size_t i = 0; i < c->token_len; i++)
		if (!is_token_character((uint8_t)c->token[i]))
			return false;
	return c->state == WIFI_CLAIM_STATE_UNCLAIMED && c->token_len > 0 &&
	       c->token_whole_len <= CLAIM_TEXT_MAX && c->token_offset < c->token_whole_len &&
	       c->token_len <= c->token_whole_len - c->token_offset;
}

int wifi_claim_encode(const struct wifi_claim *c, uint8_t *ret, size_t size, size_t *ret_len)
{
	Wifi__Claim m = WIFI__CLAIM__INIT;

	if (c->token_len > WIFI_CLAIM_PART_MAX || c->state > WIFI_CLAIM_STATE_CLAIMED ||
	    memchr(c->uuid, '\0', sizeof(c->uuid)) == NULL || !is_sound(c))
		return -EINVAL;
	m.version = c->version;
	/* protobuf-c only reads them. */
	m.uuid = (ProtobufCBinaryData){.len = UUID_TEXT_LEN, .data = (uint8_t *)c->uuid};
	m.has_state = true;
	m.state = (Wifi__ClaimState)c->state;
	m.has_token = m.has_token_offset = m.has_token_length = c->token_whole_len > 0;
	m.token = (ProtobufCBinaryData){.len = c->token_len, .data = (uint8_t *)c->token};
	m.token_offset = (uint32_t)c->token_offset;
	m.token_length = (uint32_t)c->token_whole_len;
	return wire_pack(&m.base, ret, size, ret_len);
}

int wifi_claim_decode(const void *data, size_t len, struct wifi_claim *ret)
{
	_cleanup_(wire_arena_done) struct wire_arena arena;
	_cleanup_(wifi_claim_wipe) struct wifi_claim c = {0};
	const Wifi__Claim *m;

	wire_arena_init(&arena);
	m = wire_unpack(&arena, &wifi__claim__descriptor, data, len);
	if (!m || m->uuid.len != UUID_TEXT_LEN || m->token.len > WIFI_CLAIM_PART_MAX)
		return -EBADMSG;
	c.version = m->version;
	memcpy(c.uuid, m->uuid.data, UUID_TEXT_LEN);
	if (m->has_state && (uint32_t)m->state <= WIFI_CLAIM_STATE_CLAIMED)
		c.state = (enum wifi_claim_state)m->state;
	if (m->token.len > 0)
		memcpy(c.token, m->token.data, m->token.len);
	c.token_len = m->token.len;
	c.token_offset = m->token_offset;
	c.token_whole_len = m->token_length;
	if (!is_sound(&c))
		return -EBADMSG;
	*ret = c;
	return 0;
}
