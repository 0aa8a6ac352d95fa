/* Targets: device_pdu_read(), device_dispatch() and all of core behind it, device_pdu_write(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/devices.h"

#define LINKS 3
#define MESSAGES_MAX 16

/* A token is good for the address that showed it first. */
static void check_replay(const struct link *l, const char *shown_by[static LINK_TOKENS])
{
	const char **first = &shown_by[l->token - 1];

	FUZZ_ASSERT(!*first || strcmp(*first, l->session.address) == 0);
	*first = l->session.address;
}

/* Default deny, told without what the code under test remembers of a session. */
static void check(struct link *l, const struct device_request *r, const struct device_answer *a,
		  bool is_written, const char *shown_by[static LINK_TOKENS])
{
	unsigned int class = a->code >> 5;
	struct link_proof *proof = link_proof(l, r->path);

	FUZZ_ASSERT(class == 2 || class == 4);
	FUZZ_ASSERT((a->reason != NULL) == (class == 4));
	if (link_is_auth(r->path)) {
		if (a->code == DEVICE_CODE(2, 1)) {
			FUZZ_ASSERT(r->block1 || link_token_is_good(r));
			if (l->token)
				check_replay(l, shown_by);
			*proof = (struct link_proof){true, clock_ms() + MAX_AGE_S * 1000ULL};
		} else if (a->code == DEVICE_CODE(4, 1) || a->code == DEVICE_CODE(4, 3)) {
			proof->is_given = false;
		}
		return;
	}
	if (proof->is_given && clock_ms() < proof->until_ms)
		return;
	FUZZ_ASSERT(class == 4 || strcmp(r->path, ".dtls/suspend") == 0);
	FUZZ_ASSERT(!is_written);
}

static void keep_handed(struct link *l, const struct device_request *r,
			const struct device_answer *a)
{
	if (strcmp(r->path, "p/cmd") != 0 || a->code != DEVICE_CODE(2, 5) || a->has_block2 ||
	    a->len == 0)
		return;
	command_list_done(&l->handed);
	FUZZ_ASSERT(command_list_decode(a->payload, a->len, COMMANDS_MAX, &l->handed) == 0);
}

static void ask(const struct device_dispatch *d, struct link *l, const struct device_request *r,
		const char *shown_by[static LINK_TOKENS])
{
	static uint8_t first[BODY_MAX];
	struct device_answer a, again;
	int64_t writes = service_writes();
	uint64_t digest;

	device_dispatch(d, &l->session, r, clock_ms(), &a);
	check(l, r, &a, service_writes() != writes, shown_by);
	keep_handed(l, r, &a);
	link_answer_write(&a);
	FUZZ_ASSERT(a.len <= sizeof(first));
	if (a.len > 0)
		memcpy(first, a.payload, a.len);
	device_answer_sent(&l->session);

	/* libcoap does not deduplicate: the copy of a request changes nothing more. */
	digest = service_digest(SERVICE_CLAIMED) ^ service_digest(SERVICE_THEIRS);
	device_dispatch(d, &l->session, r, clock_ms(), &again);
	if (again.code != DEVICE_CODE(4, 29)) {
		FUZZ_ASSERT(again.code == a.code && again.len == a.len);
		FUZZ_ASSERT(a.len == 0 || memcmp(first, again.payload, a.len) == 0);
	}
	FUZZ_ASSERT(digest == (service_digest(SERVICE_CLAIMED) ^ service_digest(SERVICE_THEIRS)));
	device_answer_sent(&l->session);
}

/* data: messages as links_next() takes them apart. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct service *s = service_begin();
	struct device_dispatch dispatch = {.core = s->f->core, .session_max_age_s = MAX_AGE_S};
	struct link links[LINKS] = {0};
	const char *shown_by[LINK_TOKENS] = {NULL};
	struct reader input;

	reader_init(&input, data, len);
	for (size_t n = 0; n < MESSAGES_MAX; n++) {
		struct link_message m;
		struct link *l;

		if (!link_message_next(&input, links, LINKS, &m, &l))
			break;
		if (link_message_read(&m, s, l))
			ask(&dispatch, l, &m.pdu.request, shown_by);
		link_message_done(&m);
	}
	for (size_t i = 0; i < LINKS; i++)
		link_done(&links[i]);
	service_end();
	return 0;
}
