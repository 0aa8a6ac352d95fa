/* Targets: subject_parse(), subject_write(), subject_of_cn(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cursor.h"
#include "credstore/subject.h"
#include "tests/fuzz/fuzz.h"

/* Enters a value of this tag: what is written here is never longer than two bytes can tell. */
static struct reader enter(struct reader *r, unsigned int tag)
{
	struct reader inside;
	size_t len;

	FUZZ_ASSERT(reader_u8(r) == tag);
	len = reader_u8(r);
	if (len == 0x81) {
		len = reader_u8(r);
		FUZZ_ASSERT(len >= 0x80);
	} else if (len == 0x82) {
		len = reader_be16(r);
		FUZZ_ASSERT(len >= 0x100);
	}
	reader_init(&inside, reader_bytes(r, len), len);
	FUZZ_ASSERT(!r->failed);
	return inside;
}

/* The DER, read back, is the attributes. */
static void check_der(const struct subject *s)
{
	uint8_t out[1024];
	struct reader all, name;
	struct der d;

	der_init(&d, out, sizeof(out));
	subject_write(&d, s);
	FUZZ_ASSERT(der_done(&d));
	reader_init(&all, der_done(&d), d.len);
	name = enter(&all, DER_SEQUENCE);
	for (size_t i = 0; i < s->n; i++) {
		const struct subject_attribute *a = &s->items[i];
		struct reader set = enter(&name, DER_SET), pair = enter(&set, DER_SEQUENCE);
		struct reader oid = enter(&pair, DER_OID), value = enter(&pair, a->tag);

		FUZZ_ASSERT(oid.len == a->oid_len && memcmp(oid.data, a->oid, oid.len) == 0);
		FUZZ_ASSERT(value.len == a->len && memcmp(value.data, a->value, a->len) == 0);
		FUZZ_ASSERT(reader_done(&set) && reader_done(&pair));
	}
	FUZZ_ASSERT(reader_done(&name) && reader_done(&all));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	struct subject s;

	if (subject_parse(text, &s) == 0) {
		FUZZ_ASSERT(s.n > 0 && s.n <= SUBJECT_ATTRIBUTES_MAX);
		check_der(&s);
	}
	if (subject_of_cn(text, &s) == 0) {
		FUZZ_ASSERT(s.n == 1 && strcmp(s.items[0].value, text) == 0);
		check_der(&s);
	}
	return 0;
}
