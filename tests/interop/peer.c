/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/interop/peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define LIMIT_MS 60000

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	abort();
}

static void launch(struct peer *p, uint16_t port)
{
	char number[8], line[64] = "";
	int out[2];
	FILE *f;

	snprintf(number, sizeof(number), "%u", port);
	if (pipe(out) < 0)
		die("pipe");
	p->pid = fork();
	if (p->pid < 0)
		die("fork");
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl(p->program, p->program, p->certificate, p->key, number, "300", NULL);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "re");
	if (!f || !fgets(line, sizeof(line), f) || sscanf(line, "ready %hu", &p->port) != 1 ||
	    p->port == 0)
		die(p->program);
	fclose(f);
}

void peer_start(struct peer *p, const char *program, const char *dir, const char *stem)
{
	p->program = program;
	snprintf(p->certificate, sizeof(p->certificate), "%s/%s.pem", dir, stem);
	snprintf(p->key, sizeof(p->key), "%s/%s.key", dir, stem);
	launch(p, 0);
}

void peer_stop(struct peer *p, int sig)
{
	if (p->pid <= 0)
		return;
	kill(p->pid, sig);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

void peer_restart(struct peer *p)
{
	launch(p, p->port);
}

void site_open(struct site *s)
{
	const char *program = getenv("COAP_PEER");

	snprintf(s->dir, sizeof(s->dir), "/tmp/onboard-interop-XXXXXX");
	if (!program || !mkdtemp(s->dir))
		die("a site for $COAP_PEER");
	s->pki = pki_new("Test root");
	pki_issue(s->pki, s->dir, "server", SITE_NAME, -3600, 3600);
	peer_start(&s->peer, program, s->dir, "server");
	s->config = (struct session_config){
		.name = "test",
		.server = SITE_NAME,
		.address = "127.0.0.1",
		.port = s->peer.port,
		.ca_pem = pki_root_pem(s->pki),
		.resumption = true,
		.cid = true, /* libcoap ignores it: a session like any other */
	};
}

void site_close(struct site *s)
{
	char command[128];

	peer_stop(&s->peer, SIGKILL);
	pki_free(s->pki);
	snprintf(command, sizeof(command), "rm -r %s", s->dir);
	if (system(command) != 0)
		die(command);
}

void talk_init(struct talk *t, const struct session_config *config)
{
	memset(t, 0, sizeof(*t));
	if (sd_event_new(&t->event) < 0 || session_new(t->event, config, &t->session) != 0)
		die("session_new");
}

void talk_done(struct talk *t)
{
	t->session = session_free(t->session);
	t->event = sd_event_unref(t->event);
}

void talk_until(struct talk *t, const bool *flag)
{
	const uint64_t limit = clock_ms() + LIMIT_MS;

	while (!*flag) {
		if (clock_ms() > limit)
			die("nothing happened");
		if (sd_event_run(t->event, 1000000) < 0)
			die("sd_event_run");
	}
}

static void on_connected(struct session *s, int r, const char *detail, void *userdata)
{
	struct talk *t = userdata;

	(void)s;
	t->r = r;
	snprintf(t->detail, sizeof(t->detail), "%s", detail);
	t->done = true;
}

static void on_reply(struct session *s, int r, const struct reply *reply, void *userdata)
{
	struct talk *t = userdata;

	(void)s;
	t->r = r;
	t->done = true;
	t->code = 0;
	t->body_len = 0;
	if (r != 0)
		return;
	t->code = reply->code;
	t->content_format = reply->content_format;
	t->has_max_age = reply->has_max_age;
	t->max_age_s = reply->max_age_s;
	t->body_len = reply->payload_len;
	if (reply->payload_len > sizeof(t->body))
		die("body");
	if (reply->payload_len > 0)
		memcpy(t->body, reply->payload, reply->payload_len);
}

int talk_connect(struct talk *t)
{
	int r;

	t->done = false;
	r = session_connect(t->session, on_connected, t);
	if (r < 0)
		return r;
	talk_until(t, &t->done);
	return t->r;
}

int talk_request(struct talk *t, const struct request *request)
{
	int r;

	t->done = false;
	r = session_request(t->session, request, on_reply, t, NULL);
	if (r < 0)
		return r;
	talk_until(t, &t->done);
	return t->r;
}

int talk_get(struct talk *t, const char *path)
{
	const struct request get = {.code = 1, .path = path, .content_format = -1, .accept = -1};

	return talk_request(t, &get);
}
