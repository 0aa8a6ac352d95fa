/* Targets: a session over HTTPS: https.c, https_transfer.c and https_loop.c behind session.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "session/session.h"
#include "tests/fuzz/curl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/server.h"
#include "tests/fuzz/world.h"

#define REQUESTS_MAX 64
#define REPLY_MAX 600
#define STEPS_MAX 4000

struct run {
	sd_event *event;
	struct session *session;
	unsigned int n_made, n_ended, n_connects, n_connected;
	struct session_request *last; /* NULL: ended */
	bool ended[REQUESTS_MAX];
};

static struct run run;

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	bool *ended = userdata;

	FUZZ_ASSERT(s == run.session && !*ended && (r == 0) == (reply != NULL));
	FUZZ_ASSERT(r <= SESSION_E_NOT_SUSPENDABLE);
	*ended = true;
	run.n_ended++;
	if (ended == &run.ended[run.n_made - 1])
		run.last = NULL;
	if (!reply)
		return;
	FUZZ_ASSERT(reply->payload_len <= REPLY_MAX);
	FUZZ_ASSERT(reply->code >> 5 == 2 || reply->code >> 5 == 4 || reply->code >> 5 == 5);
	FUZZ_ASSERT(reply->content_format == -1 || reply->content_format == 0 ||
		    reply->content_format == 50 || reply->content_format == 60);
}

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	(void)userdata;
	FUZZ_ASSERT(detail && (r == 0) == (session_get_state(s) == SESSION_OPEN));
	FUZZ_ASSERT(r == 0 || detail[0] != '\0');
	run.n_connected++;
}

static void ask(uint8_t kind)
{
	static const struct request requests[] = {
		{.code = 2, .path = "p/auth-jwt", .payload = "a.token.of-ours", .payload_len = 15},
		{.code = 1, .path = "p/cmd", .query = "after=&limit=10"},
		{.code = 2,
		 .path = "p/rsp",
		 .content_format = 60,
		 .payload = "x",
		 .payload_len = 1},
		{.code = 6, .path = "state/reported", .payload = "{}", .payload_len = 2},
		{.code = 1, .path = "nowhere"},
	};
	struct request request = requests[kind % 5];
	int r;

	request.accept = -1;
	request.max_reply = REPLY_MAX;
	if (run.n_made == REQUESTS_MAX)
		return;
	r = session_request(run.session, &request, on_reply, &run.ended[run.n_made], &run.last);
	FUZZ_ASSERT(r == 0 || r == -EINVAL || r == -ENOTCONN);
	FUZZ_ASSERT(r != 0 || kind % 5 < 4);
	if (r == 0)
		run.n_made++;
	else
		run.last = NULL;
}

static void step(uint8_t what)
{
	switch (what % 8) {
	case 0:
		if (session_connect(run.session, on_connected, NULL) == 0)
			run.n_connects++;
		break;
	case 1:
	case 2:
		ask(what / 8);
		break;
	case 3:
		if (run.last) {
			session_cancel(run.last);
			run.last = NULL;
			run.ended[run.n_made - 1] = true;
			run.n_ended++;
		}
		break;
	case 4:
		if (session_get_state(run.session) == SESSION_OPEN)
			(void)!session_park(run.session, what, NULL);
		break;
	case 5:
		if (session_get_state(run.session) == SESSION_SUSPENDED)
			(void)!session_resume(run.session);
		break;
	case 6:
		(void)world_wait();
		break;
	case 7:
		if (what > 0xf0)
			session_close(run.session);
		break;
	}
}

/* data: what to do, and between it how transfers end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct session_config config = {.name = "provisioning",
					      .server = "service.example",
					      .address = "192.0.2.1",
					      .port = 5684,
					      .ca_pem = "a root",
					      .transport = SESSION_HTTPS};
	struct reader input;
	unsigned int n = 0;

	log_set_level(LOG_LEVEL_ERROR);
	reader_init(&input, data, len);
	world_begin();
	curl_begin(&input);
	server_begin(&input);
	memset(&run, 0, sizeof(run));
	FUZZ_ASSERT(sd_event_new(&run.event) >= 0);
	FUZZ_ASSERT(session_new(run.event, &config, &run.session) == 0);
	while (reader_left(&input) > 0) {
		step(reader_u8(&input));
		while (sd_event_run(run.event, 0) > 0)
			FUZZ_ASSERT(++n < STEPS_MAX);
	}
	/* At the latest at its end a session tells everybody. */
	session_close(run.session);
	FUZZ_ASSERT(run.n_ended == run.n_made && run.n_connected <= run.n_connects);
	session_free(run.session);
	FUZZ_ASSERT(curl_transfers() == 0);
	sd_event_unref(run.event);
	return 0;
}
