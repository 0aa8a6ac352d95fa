/* SPDX-License-Identifier: Apache-2.0 */

/* costs-exchange NAME ADDRESS PORT CA.pem PAYLOAD: one provisioning exchange as the agent's session
 * library does it. POST, GET, suspend; "gap" is printed and a line awaited; resume, POST. Where the
 * session is lost in between: a new one, with both POSTs. Three requests of libcoap's coap-server,
 * which knows nothing of provisioning. One line of JSON, and exit status 0 when all were answered.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/session.h"

struct run {
	sd_event *event;
	struct session *session;
	const char *payload;
	bool done;
	int r;
	uint8_t code;
};

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	struct run *run = userdata;

	(void)s;
	if (r != 0)
		fprintf(stderr, "connect: %s\n", detail);
	run->done = true;
	run->r = r;
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct run *run = userdata;

	(void)s;
	run->done = true;
	run->r = r;
	run->code = r == 0 ? reply->code : 0;
}

static int finish(struct run *run, int r)
{
	while (r == 0 && !run->done)
		if (sd_event_run(run->event, UINT64_MAX) < 0)
			return -1;
	run->done = false;
	return r == 0 ? run->r : r;
}

static int connect_session(struct run *run)
{
	return finish(run, session_connect(run->session, on_connected, run));
}

static int ask(struct run *run, uint8_t code, const char *path)
{
	const bool has_payload = code != 1;
	const struct request request = {
		.code = code,
		.path = path,
		.content_format = has_payload ? 0 : -1,
		.accept = -1,
		.payload = has_payload ? run->payload : NULL,
		.payload_len = has_payload ? strlen(run->payload) : 0,
	};
	int r = finish(run, session_request(run->session, &request, on_reply, run, NULL));

	if (r == 0 && run->code >> 5 != 2) {
		fprintf(stderr, "%s: %u.%02u\n", path, run->code >> 5, run->code & 31u);
		return -1;
	}
	return r;
}

static int report(struct run *run)
{
	int r = session_resume(run->session);

	if (r == 0)
		r = ask(run, 2, "rsp");
	/* As the agent does: at once, and again while the network is bad. */
	for (int i = 0; i < 8 && r != 0 && session_get_state(run->session) == SESSION_CLOSED; i++) {
		r = connect_session(run);
		if (r == 0)
			r = ask(run, 2, "auth");
		if (r == 0)
			r = ask(run, 2, "rsp");
	}
	return r;
}

static int go(struct run *run)
{
	int r = -1;

	for (int i = 0; i < 8 && r != 0; i++) {
		r = session_get_state(run->session) == SESSION_CLOSED ? connect_session(run) : 0;
		if (r == 0)
			r = ask(run, 2, "auth");
		if (r == 0)
			r = ask(run, 1, "cmd");
	}
	if (r == 0)
		r = session_suspend(run->session, 0, NULL);
	if (r != 0)
		return r;
	printf("gap\n");
	fflush(stdout);
	if (getchar() == EOF)
		return -1;
	return report(run);
}

static char *read_text(const char *path)
{
	static char text[16384];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		(void)fclose(f);
	text[n] = '\0';
	return text;
}

int main(int argc, char **argv)
{
	struct session_config config = {.name = "costs", .resumption = true};
	struct run run = {.done = false};
	struct session_stats stats;
	int r;

	if (argc != 6) {
		fprintf(stderr, "usage: costs-exchange NAME ADDRESS PORT CA.pem PAYLOAD\n");
		return 64;
	}
	config.server = argv[1];
	config.address = argv[2];
	config.port = (uint16_t)strtoul(argv[3], NULL, 10);
	config.ca_pem = read_text(argv[4]);
	run.payload = argv[5];
	if (sd_event_new(&run.event) < 0 || session_new(run.event, &config, &run.session) < 0)
		return 1;
	r = go(&run);
	session_get_stats(run.session, &stats);
	printf("{\"handshakes_full\": %llu, \"handshakes_abbreviated\": %llu, "
	       "\"retransmissions\": %llu}\n",
	       (unsigned long long)stats.handshakes_full,
	       (unsigned long long)stats.handshakes_abbreviated,
	       (unsigned long long)stats.retransmissions);
	session_free(run.session);
	sd_event_unref(run.event);
	if (r != 0)
		fprintf(stderr, "failed: %s\n", session_strerror(r));
	return r == 0 ? 0 : 1;
}
