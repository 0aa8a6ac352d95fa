/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What became of a step, in the classes that decide what happens next: shown to people, retried or
 * not, exit code. Pure: maps CoAP codes and session results (docs/protocol.md §3.4, with transient
 * and permanent told apart). */

#include <stdbool.h>
#include <stdint.h>

#include "base/exitcode.h"
#include "session/session.h"

enum outcome {
	OUTCOME_OK,
	OUTCOME_NO_COMMANDS,    /* fetched: nothing to do */
	OUTCOME_FINISHED,       /* the service said finished, and it was acknowledged */
	OUTCOME_PARTIAL,        /* a command failed; its error was reported */
	OUTCOME_UNCLAIMED,      /* 4.01 on authentication: genuine, but nobody's */
	OUTCOME_REAUTHENTICATE, /* 4.01 later: this session is no longer authenticated */
	OUTCOME_REJECTED,       /* 4.03: the service does not accept this identity; permanent */
	OUTCOME_BAD_REQUEST,    /* 4.00, 4.02, 4.06, 4.15 and other 4.xx: permanent until something
				   changes */
	OUTCOME_NOT_FOUND,      /* 4.04, 4.05: not a provisioning service; permanent */
	OUTCOME_BUSY, /* 4.29, 5.00, 5.02, 5.03, 5.04 and other 5.xx: transient, Max-Age honoured */
	OUTCOME_BODY_INVALID,      /* a body that cannot be decoded at all */
	OUTCOME_TOO_MANY_COMMANDS, /* more than the limit asked for */
	OUTCOME_BODY_TOO_LARGE,    /* more than rxMaxSize */
	OUTCOME_NO_NETWORK,        /* name, route or server unreachable: transient */
	OUTCOME_CERTIFICATE,       /* the server is not who the root CA vouches for */
	OUTCOME_HANDSHAKE,
	OUTCOME_TIMEOUT,
	OUTCOME_LOST,         /* session gone: connect again and repeat */
	OUTCOME_NO_TIME,      /* the clock was never set */
	OUTCOME_CLOCK,        /* the server says that the token's times are wrong */
	OUTCOME_IDENTITY,     /* our own key cannot sign */
	OUTCOME_TOKEN_ABSENT, /* the token that holds a key is not there: transient */
	OUTCOME_TOKEN_FAILED, /* it is there and failed: transient */
	OUTCOME_PIN_MISSING,  /* this and the next three: permanent until a person acts */
	OUTCOME_PIN_WRONG,    /* refused, and not tried again before its file changes */
	OUTCOME_PIN_LOCKED,
	OUTCOME_KEY_MISSING,    /* the token is there, the key is not, or not one alone */
	OUTCOME_STORE,          /* our own store failed */
	OUTCOME_NO_CREDENTIALS, /* validation: the cloud tag holds no key yet */
	OUTCOME_CLOUD_REFUSED,  /* validation: the cloud does not accept the new key (yet) */
	OUTCOME_ROLLED_BACK, /* the cloud refused the new credentials, the ones before are back */
	OUTCOME_CANCELLED,
	OUTCOME_FAILED, /* something of our own went wrong: memory, a descriptor ... */
	OUTCOME_N,
};

/* Stable word for scripts: "no-commands", "unclaimed" ... */
const char *outcome_name(enum outcome o);
/* A sentence for people that says what to do, where something can be done. */
const char *outcome_help(enum outcome o);
bool outcome_is_transient(enum outcome o);
enum exit_code outcome_exit_code(enum outcome o);

enum outcome_step {
	OUTCOME_STEP_AUTHENTICATE,
	OUTCOME_STEP_FETCH,
	OUTCOME_STEP_REPORT,
	OUTCOME_STEP_CLOUD
};

/* Of a reply's code (r == 0) or a session result. */
enum outcome outcome_of(enum outcome_step step, int r, uint8_t code);
/* The same for a reply with a payload: a refusal that is about the token's times, as
 * onboard-service says it in a diagnostic payload ("clock: …"), is OUTCOME_CLOCK. */
enum outcome outcome_of_reply(enum outcome_step step, uint8_t code, const uint8_t *payload,
			      size_t len);
enum outcome outcome_of_connect(int r);
/* Of a signature or a key that was made: 0, -errno or KEY_E_*. */
enum outcome outcome_of_key(int r);
/* It is about a key or its token, not about whom the key is shown to. */
bool outcome_is_of_token(enum outcome o);
