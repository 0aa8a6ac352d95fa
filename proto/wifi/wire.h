/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between wifi.h and protobuf-c: for the files of this folder only. Generated types are named by
 * their tags here, because their header exists in the build tree alone. */

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/wifi/wifi.h"

/* All memory that one decoding may take. A message of WIFI_MESSAGE_MAX bytes, made of as many
 * empty submessages as fit, takes less than half of it. */
#define WIRE_ARENA_SIZE (64U * 1024)

/* Where protobuf-c puts what it reads, passphrases too: on the caller's stack, wiped at the end.
 * Nothing is on the heap. _cleanup_(wire_arena_done). */
struct wire_arena {
	ProtobufCAllocator allocator;
	size_t used;
	_Alignas(max_align_t) uint8_t bytes[WIRE_ARENA_SIZE];
};
void wire_arena_init(struct wire_arena *a);
void wire_arena_done(struct wire_arena *a);

/* The message of this type, which lives as long as the arena, or NULL: the bytes are no such
 * message, or too many. */
const void *wire_unpack(struct wire_arena *a, const ProtobufCMessageDescriptor *type,
			const void *data, size_t len) _must_check_;
/* -ENOBUFS. */
int wire_pack(const ProtobufCMessage *m, uint8_t *ret, size_t size, size_t *ret_len) _must_check_;

struct Wifi__WifiInfo;
/* *ret borrows from n. -EINVAL. */
int wire_from_network(const struct wifi_network *n, struct Wifi__WifiInfo *ret) _must_check_;
/* -EBADMSG. */
int wire_to_network(const struct Wifi__WifiInfo *info, struct wifi_network *ret) _must_check_;

/* A band that is absent or has no known number is any. */
enum wifi_band wire_to_band(bool is_there, uint32_t band);

/* C0, DEL and C1. */
static inline bool wire_is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}
