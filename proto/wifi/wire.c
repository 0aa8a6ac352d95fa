/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wifi/wire.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "proto/wifi/wifi.pb-c.h"

static void *arena_alloc(void *userdata, size_t size)
{
	struct wire_arena *a = userdata;
	void *p = a->bytes + a->used;
	size_t padded;

	if (size > WIRE_ARENA_SIZE)
		return NULL;
	padded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (padded > WIRE_ARENA_SIZE - a->used)
		return NULL;
	a->used += padded;
	/* What the stack held before is never taken for a part of a message. */
	return memset(p, 0, padded);
}

/* Everything goes at once, in wire_arena_done(). */
static void arena_free(_unused_ void *userdata, _unused_ void *p)
{
}

void wire_arena_init(struct wire_arena *a)
{
	a->allocator =
		(ProtobufCAllocator){.alloc = arena_alloc, .free = arena_free, .allocator_data = a};
	a->used = 0;
}

void wire_arena_done(struct wire_arena *a)
{
	secret_wipe(a->bytes, a->used);
	a->used = 0;
}

const void *wire_unpack(struct wire_arena *a, const ProtobufCMessageDescriptor *type,
			const void *data, size_t len)
{
	if (len > WIFI_MESSAGE_MAX)
		return NULL;
	return protobuf_c_message_unpack(type, &a->allocator, len, data);
}

int wire_pack(const ProtobufCMessage *m, uint8_t *ret, size_t size, size_t *ret_len)
{
	const size_t len = protobuf_c_message_get_packed_size(m);

	if (len > size)
		return -ENOBUFS;
	*ret_len = len > 0 ? protobuf_c_message_pack(m, ret) : 0;
	return 0;
}

enum wifi_band wire_to_band(bool is_there, uint32_t band)
{
	return is_there && band <= WIFI_BAND_5_GHZ ? (enum wifi_band)band : WIFI_BAND_ANY;
}

int wire_from_network(const struct wifi_network *n, struct Wifi__WifiInfo *ret)
{
	if (n->ssid_len > WIFI_SSID_MAX || n->band > WIFI_BAND_5_GHZ ||
	    (n->auth > WIFI_AUTH_WPA3_PSK && n->auth != WIFI_AUTH_UNKNOWN))
		return -EINVAL;
	*ret = (struct Wifi__WifiInfo)WIFI__WIFI_INFO__INIT;
	/* protobuf-c only reads them. */
	ret->ssid = (ProtobufCBinaryData){.len = n->ssid_len, .data = (uint8_t *)n->ssid};
	/* Six zeros when it is not known: an app takes anything shorter for granted, and falls. */
	ret->bssid = (ProtobufCBinaryData){.len = WIFI_BSSID_LEN, .data = (uint8_t *)n->bssid};
	ret->has_band = true;
	ret->band = (Wifi__Band)n->band;
	ret->channel = n->channel;
	ret->has_auth = n->auth != WIFI_AUTH_UNKNOWN;
	if (ret->has_auth)
		ret->auth = (Wifi__AuthMode)n->auth;
	return 0;
}

int wire_to_network(const struct Wifi__WifiInfo *info, struct wifi_network *ret)
{
	struct wifi_network n = {.channel = info->channel, .auth = WIFI_AUTH_UNKNOWN};

	if (info->ssid.len > WIFI_SSID_MAX)
		return -EBADMSG;
	if (info->bssid.len != 0 && info->bssid.len != WIFI_BSSID_LEN)
		return -EBADMSG;
	if (info->ssid.len > 0)
		memcpy(n.ssid, info->ssid.data, info->ssid.len);
	n.ssid_len = info->ssid.len;
	if (info->bssid.len > 0)
		memcpy(n.bssid, info->bssid.data, info->bssid.len);
	n.band = wire_to_band(info->has_band, (uint32_t)info->band);
	if (info->has_auth && (uint32_t)info->auth <= WIFI_AUTH_WPA3_PSK)
		n.auth = (enum wifi_auth)info->auth;
	*ret = n;
	return 0;
}
