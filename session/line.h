/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One way to the server, as session.c drives it: udp.c (CoAP over DTLS) and https.c. A session has
 * one of each at most, and uses the one that was connected last. Nobody outside of session/
 * includes this. The calls mean what their namesakes in session.h say. */

#include "session/session.h"

struct line;

struct line_ops {
	/* CLOSED only. 0: session_line_connected() follows, never from within; else SESSION_E_* or
	 * -errno. */
	int (*connect)(struct line *l);
	/* CONNECTING: whether the server has answered anything. */
	bool (*is_heard)(const struct line *l);
	int (*request)(struct line *l, const struct request *request, session_reply_fn fn,
		       void *userdata, struct session_request **ret);
	void (*cancel)(struct session_request *request);
	/* tell: session_suspend(), else session_park(). note and label are those to keep. */
	int (*put_away)(struct line *l, bool tell);
	int (*resume)(struct line *l);
	int (*adopt)(struct line *l);
	/* To CLOSED from any state. Of a connect that is under way nobody is told. */
	void (*close)(struct line *l);
	void (*get_stats)(const struct line *l, struct session_stats *ret);
	const char *(*suite)(const struct line *l);
	void (*free)(struct line *l); /* without a word to the server */
};

/* The first member of each. */
struct line {
	const struct line_ops *ops;
	struct session *session;             /* borrowed: whom callbacks are told of */
	const struct session_config *config; /* borrowed from the session; zeros replaced */
	sd_event *event;                     /* borrowed from the session */
	enum session_state state;
	uint64_t note;
	char label[SESSION_LABEL_LEN + 1];
};

/* The first member of each line's own. */
struct session_request {
	struct line *line;
	session_reply_fn fn;
	void *userdata;
};

int udp_line_new(const struct line *base, struct line **ret) _must_check_;
int https_line_new(const struct line *base, struct line **ret) _must_check_;

/* Borrowed; NULL when there is none. For bench/, too. */
struct line *session_line(const struct session *s, enum session_transport way);
/* Around callbacks, which may free the session and with it the line that makes them. */
void session_ref(struct session *s);
void session_unref(struct session *s);
/* The end of connect(): OPEN, or CLOSED and why. May free the line: nothing may follow. */
void session_line_connected(struct line *l, int r, const char *detail);
