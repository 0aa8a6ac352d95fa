/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checked reading and writing of wire bytes. Errors stick: after the first short read or full
 * buffer every later call does nothing, so a message reads as a list of fields and is judged once,
 * at the end. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct reader {
	const uint8_t *data; /* borrowed */
	size_t len, pos;
	bool failed;
};

void reader_init(struct reader *r, const void *data, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_be16(struct reader *r);
uint32_t reader_be32(struct reader *r);
/* A view of the next len bytes, or NULL when fewer are left. */
const uint8_t *reader_bytes(struct reader *r, size_t len);
size_t reader_left(const struct reader *r);
/* True when nothing failed and nothing is left over. */
bool reader_done(const struct reader *r) _must_check_;

struct writer {
	uint8_t *data; /* borrowed */
	size_t size, len;
	bool failed;
};

void writer_init(struct writer *w, void *data, size_t size);
void writer_u8(struct writer *w, uint8_t v);
void writer_be16(struct writer *w, uint16_t v);
void writer_be32(struct writer *w, uint32_t v);
void writer_bytes(struct writer *w, const void *data, size_t len);
/* Appends text without its NUL. */
void writer_text(struct writer *w, const char *text);
bool writer_ok(const struct writer *w) _must_check_;
