/* Targets: core_import_identities() and what it stores. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "tests/fuzz/service.h"

#define TEXT_MAX 8192

/* The rows that a target cannot guess: "$" and a digit is a device's UUID, "#" and a digit its
 * public key. */
static size_t expand(const uint8_t *data, size_t len, char *ret)
{
	struct service *s = service_get();
	size_t n = 0;

	for (size_t i = 0; i < len && n < TEXT_MAX - 256; i++) {
		const struct device *d;

		if ((data[i] != '$' && data[i] != '#') || i + 1 == len) {
			ret[n++] = (char)data[i];
			continue;
		}
		d = &s->devices[data[i + 1] % SERVICE_DEVICES];
		if (data[i++] == '$') {
			memcpy(ret + n, d->uuid, strlen(d->uuid));
			n += strlen(d->uuid);
		} else {
			base64_encode(d->spki, sizeof(d->spki), ret + n);
			n += strlen(ret + n);
		}
	}
	return n;
}

struct expectation {
	const char *text;
	size_t len;
};

/* A device that was known keeps its key, a new one is what some row says. */
static int check_identity(void *userdata, const struct store_identity *row)
{
	const struct expectation *e = userdata;
	char key[BASE64_LEN(STORE_SPKI_LEN) + 1];
	uint8_t uuid[UUID_LEN];

	for (size_t i = 0; i < SERVICE_UNKNOWN; i++)
		if (strcmp(row->uuid, service_get()->devices[i].uuid) == 0) {
			FUZZ_ASSERT(memcmp(row->spki, service_get()->devices[i].spki,
					   sizeof(row->spki)) == 0);
			return 0;
		}
	FUZZ_ASSERT(uuid_parse(row->uuid, strlen(row->uuid), uuid) == 0);
	base64_encode(row->spki, sizeof(row->spki), key);
	FUZZ_ASSERT(memmem(e->text, e->len, key, strlen(key)));
	FUZZ_ASSERT(memmem(e->text, e->len, row->hardware, strlen(row->hardware)));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct service *s = service_begin();
	static char text[TEXT_MAX];
	_cleanup_(freep) char *detail = NULL, *copy = NULL;
	size_t text_len = expand(data, len, text), before = identity_count(s->f), n = 0, again = 0;
	int r;

	copy = malloc(text_len + 1); /* its end is the end of the memory */
	FUZZ_ASSERT(copy);
	memcpy(copy, text, text_len);
	r = core_import_identities(s->f->core, copy, text_len, &n, &detail);
	FUZZ_ASSERT(r == 0 || r == 1);
	if (r == 1) {
		FUZZ_ASSERT(detail && strncmp(detail, "line ", 5) == 0);
		FUZZ_ASSERT(identity_count(s->f) == before);
	} else {
		struct expectation e = {text, text_len};
		size_t after = identity_count(s->f);

		FUZZ_ASSERT(after >= before && after - before <= n);
		FUZZ_ASSERT(s->f->store->ops->identity_each(s->f->store, check_identity, &e) == 0);
		FUZZ_ASSERT(core_import_identities(s->f->core, copy, text_len, &again, &detail) ==
			    0);
		FUZZ_ASSERT(again == n && identity_count(s->f) == after);
	}
	service_end();
	return 0;
}
