/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/permit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define DRIVER "org.freedesktop.DBus"
#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE POLKIT ".Authority"
#define QUESTIONS_MAX 256
#define POLKIT_MAX 8                /* of one user's: who makes it wait keeps nobody else out */
#define POLKIT_TIMEOUT_US 120000000 /* somebody may have to type a password */

const struct permit_action permit_provision = {"org.onboardd.provision", true};
const struct permit_action permit_credentials = {"org.onboardd.credentials", true};
const struct permit_action permit_wifi = {"org.onboardd.wifi", true};
const struct permit_action permit_reset = {"org.onboardd.reset", false};

/* One call that waits. */
struct question {
	struct permit *permit; /* borrowed */
	struct question *next;
	const struct permit_action *action;
	sd_bus_message *call; /* owned */
	sd_bus_message_handler_t fn;
	void *userdata;
	sd_bus_slot *slot; /* owned: of the answer that is awaited */
	uint32_t uid;      /* of the caller; UINT32_MAX: not said */
	bool is_at_polkit;
};

struct permit {
	sd_bus *bus; /* borrowed */
	struct question *questions;
	size_t n;
};

int permit_new(sd_bus *bus, struct permit **ret)
{
	struct permit *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->bus = bus;
	*ret = p;
	return 0;
}

static void question_free(struct question *q)
{
	struct question **at = &q->permit->questions;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	q->permit->n--;
	sd_bus_slot_unref(q->slot);
	sd_bus_message_unref(q->call);
	free(q);
}

struct permit *permit_free(struct permit *p)
{
	if (!p)
		return NULL;
	while (p->questions)
		question_free(p->questions);
	free(p);
	return NULL;
}

/* ---- how a question ends */

static void answer(struct question *q, int r, const sd_bus_error *error)
{
	if (r < 0 || sd_bus_error_is_set(error))
		r = sd_bus_reply_method_errno(q->call, r, error);
	if (r < 0)
		log_debug("bus: %s: %s", q->action->id, strerror(-r));
	question_free(q);
}

static void run(struct question *q)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

	answer(q, q->fn(q->call, q->userdata, &error), &error);
}

static int too_many(sd_bus_error *error)
{
	return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
				"too many wait for an answer whether they may do that");
}

static void refuse(struct question *q, bool may_ask_somebody)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *who =
		q->action->is_for_group ? "root, the members of the group onboardd" : "root";

	answer(q,
	       sd_bus_error_setf(&error,
				 may_ask_somebody ? SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED
						  : SD_BUS_ERROR_ACCESS_DENIED,
				 "access denied: this is for %s and those whom polkit lets do %s",
				 who, q->action->id),
	       &error);
}

/* ---- whom polkit lets in */

static int on_polkit(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	struct question *q = userdata;
	int is_authorized = 0, is_challenge = 0;

	(void)ignored;
	if (sd_bus_message_is_method_error(m, NULL))
		log_debug("bus: polkit: %s", sd_bus_message_get_error(m)->message);
	else if (sd_bus_message_enter_container(m, 'r', "bba{ss}") < 0 ||
		 sd_bus_message_read(m, "bb", &is_authorized, &is_challenge) < 0)
		log_warning("bus: polkit's answer cannot be read");
	if (is_authorized)
		run(q);
	else
		refuse(q, is_challenge);
	return 1;
}

static size_t at_polkit(const struct permit *p, uint32_t uid)
{
	size_t n = 0;

	for (const struct question *q = p->questions; q; q = q->next)
		n += q->is_at_polkit && q->uid == uid;
	return n;
}

static int ask_polkit(struct question *q)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int may_interact = sd_bus_message_get_allow_interactive_authorization(q->call);
	int r;

	r = sd_bus_message_new_method_call(q->permit->bus, &m, POLKIT, POLKIT_PATH,
					   POLKIT_INTERFACE, "CheckAuthorization");
	if (r >= 0)
		r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
					  sd_bus_message_get_sender(q->call), q->action->id, 0,
					  (uint32_t)(may_interact > 0), "");
	q->slot = sd_bus_slot_unref(q->slot);
	if (r >= 0)
		r = sd_bus_call_async(q->permit->bus, &q->slot, m, on_polkit, q, POLKIT_TIMEOUT_US);
	q->is_at_polkit = r >= 0;
	return r;
}

/* ---- who asks, by the bus itself */

static bool holds_group(const uint32_t *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (groups[i] == getegid())
			return true;
	return false;
}

/* One entry of a{sv}: 1 when it lets the caller in. */
static int read_credential(struct question *q, sd_bus_message *m)
{
	const void *groups;
	const char *name;
	size_t size;
	int r;

	r = sd_bus_message_read(m, "s", &name);
	if (r < 0)
		return r;
	if (strcmp(name, "UnixUserID") == 0) {
		r = sd_bus_message_read(m, "v", "u", &q->uid);
		return r < 0 ? r : q->uid == 0;
	}
	if (strcmp(name, "UnixGroupIDs") != 0 || !q->action->is_for_group) {
		r = sd_bus_message_skip(m, "v");
		return r < 0 ? r : 0;
	}
	r = sd_bus_message_enter_container(m, 'v', "au");
	if (r >= 0)
		r = sd_bus_message_read_array(m, 'u', &groups, &size);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : holds_group(groups, size / sizeof(uint32_t));
}

/* 1: let in; 0: not by these; -errno. */
static int read_credentials(struct question *q, sd_bus_message *m)
{
	int is_let_in = 0, r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_credential(q, m);
		is_let_in |= r > 0;
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : is_let_in;
}

static int on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct question *q = userdata;
	int r = -EACCES;

	(void)ignored;
	if (!sd_bus_message_is_method_error(m, NULL))
		r = read_credentials(q, m);
	if (r > 0) {
		run(q);
		return 1;
	}
	if (r < 0)
		log_debug("bus: who calls is not known: %s", strerror(-r));
	if (at_polkit(q->permit, q->uid) == POLKIT_MAX) {
		answer(q, too_many(&error), &error);
		return 1;
	}
	r = ask_polkit(q);
	if (r < 0) {
		log_debug("bus: polkit: %s", strerror(-r));
		refuse(q, false);
	}
	return 1;
}

int permit_then(struct permit *p, const struct permit_action *action, sd_bus_message *call,
		sd_bus_message_handler_t fn, void *userdata, sd_bus_error *error)
{
	const char *sender = sd_bus_message_get_sender(call);
	struct question *q;
	int r;

	if (!sender)
		return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
					"access denied: nobody said who calls");
	if (p->n == QUESTIONS_MAX)
		return too_many(error);
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct question){.permit = p,
			       .next = p->questions,
			       .action = action,
			       .call = sd_bus_message_ref(call),
			       .fn = fn,
			       .userdata = userdata,
			       .uid = UINT32_MAX};
	p->questions = q;
	p->n++;
	r = sd_bus_call_method_async(p->bus, &q->slot, DRIVER, "/org/freedesktop/DBus", DRIVER,
				     "GetConnectionCredentials", on_credentials, q, "s", sender);
	if (r < 0) {
		question_free(q);
		return r;
	}
	return 1;
}
