/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioning/outcome.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "credstore/key.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

struct row {
	const char *name;
	const char *help;
	bool transient;
	enum exit_code exit;
};

static const struct row rows[OUTCOME_N] = {
	[OUTCOME_OK] = {"ok", "Everything is done.", false, EXIT_CODE_DONE},
	[OUTCOME_NO_COMMANDS] = {"no-commands", "The service has nothing for this device to do.",
				 false, EXIT_CODE_DONE},
	[OUTCOME_FINISHED] = {"finished", "The service said that provisioning is finished.", false,
			      EXIT_CODE_DONE},
	[OUTCOME_PARTIAL] = {"partial",
			     "A command failed; the service knows which one and why. Look at the "
			     "device's commands there, and queue them again once the cause is "
			     "gone.",
			     false, EXIT_CODE_DEGRADED},
	[OUTCOME_UNCLAIMED] = {"unclaimed",
			       "The device belongs to nobody yet. Claim it with its token, in the "
			       "portal, by REST or with `onboardctl claim`.",
			       false, EXIT_CODE_UNCLAIMED},
	[OUTCOME_REAUTHENTICATE] = {"reauthenticate",
				    "The service forgot this session's authentication, and again "
				    "after it was renewed.",
				    true, EXIT_CODE_IDENTITY},
	[OUTCOME_REJECTED] = {"rejected",
			      "The service does not accept this device's identity. Import the "
			      "row that `onboardd --init` or `onboardctl identity export` "
			      "prints, and compare the clocks.",
			      false, EXIT_CODE_IDENTITY},
	[OUTCOME_BAD_REQUEST] = {"bad-request",
				 "The service cannot make sense of a request. Compare the "
				 "versions of agent and service.",
				 false, EXIT_CODE_FAILED},
	[OUTCOME_NOT_FOUND] = {"not-found",
			       "The server has no provisioning service. Check `server` and `port` "
			       "in the configuration.",
			       false, EXIT_CODE_FAILED},
	[OUTCOME_BUSY] = {"busy", "The service is busy or in trouble; the agent tries again.", true,
			  EXIT_CODE_TIMEOUT},
	[OUTCOME_BODY_INVALID] = {"body-invalid",
				  "The service's answer cannot be decoded. The owner can remove "
				  "the device's queued commands.",
				  false, EXIT_CODE_FAILED},
	[OUTCOME_TOO_MANY_COMMANDS] = {"too-many-commands",
				       "The service sent more commands at once than the agent "
				       "asked for (`limit`).",
				       false, EXIT_CODE_FAILED},
	[OUTCOME_BODY_TOO_LARGE] = {"body-too-large",
				    "A body is larger than the receiver takes. Raise "
				    "`rx-max-size`, or queue fewer or smaller commands.",
				    false, EXIT_CODE_FAILED},
	[OUTCOME_NO_NETWORK] = {"no-network",
				"The server cannot be reached. Check cable or Wi-Fi, name "
				"resolution, and that UDP to its port, or HTTPS to "
				"`https-port`, may pass.",
				true, EXIT_CODE_NETWORK},
	[OUTCOME_CERTIFICATE] = {"certificate",
				 "The server is not who the root CA vouches for. Check `server`, "
				 "`root-ca` and the clock; do not ignore this.",
				 false, EXIT_CODE_NETWORK},
	[OUTCOME_HANDSHAKE] = {"handshake",
			       "The server refused or broke the DTLS handshake. It must speak "
			       "DTLS 1.2 with an ECDSA P-256 certificate.",
			       true, EXIT_CODE_NETWORK},
	[OUTCOME_TIMEOUT] = {"timeout", "The server did not answer in time.", true,
			     EXIT_CODE_TIMEOUT},
	[OUTCOME_LOST] = {"lost", "The server gave the session up, several times in a row.", true,
			  EXIT_CODE_TIMEOUT},
	[OUTCOME_NO_TIME] = {"no-time",
			     "The clock is not set, and tokens need it. Start time "
			     "synchronisation or set the clock.",
			     true, EXIT_CODE_TIME},
	[OUTCOME_CLOCK] = {"clock-wrong",
			   "The server takes this device for genuine, but not the time in its "
			   "token: one of the two clocks is wrong. Start time synchronisation or "
			   "set the clock; the agent tries again.",
			   true, EXIT_CODE_TIME},
	[OUTCOME_IDENTITY] = {"identity", "The identity key cannot sign. Check `[identity]`.",
			      false, EXIT_CODE_IDENTITY},
	[OUTCOME_TOKEN_ABSENT] = {"token-absent",
				  "The token that holds the key is not there. Plug it in; check "
				  "`module` in [token] and the URI of `key`. The agent tries "
				  "again.",
				  true, EXIT_CODE_IDENTITY},
	[OUTCOME_TOKEN_FAILED] = {"token-failed",
				  "The token that holds the key failed. See its own log or tools; "
				  "it may be full, or busy. The agent tries again.",
				  true, EXIT_CODE_IDENTITY},
	[OUTCOME_PIN_MISSING] = {"pin-missing",
				 "The token wants a PIN and there is none. Name its file with "
				 "`pin-file` in [token], or hand over the credential "
				 "onboardd.pin; then `onboardctl provision`.",
				 false, EXIT_CODE_IDENTITY},
	[OUTCOME_PIN_WRONG] = {"pin-wrong",
			       "The token refused the PIN, which is not tried again before its "
			       "file changes: that would lock the token. Put the right one there; "
			       "then `onboardctl provision`.",
			       false, EXIT_CODE_IDENTITY},
	[OUTCOME_PIN_LOCKED] = {"pin-locked",
				"The token's PIN is locked, or one wrong try away from it. Reset "
				"it as the token's security officer, and change its file.",
				false, EXIT_CODE_IDENTITY},
	[OUTCOME_KEY_MISSING] = {"key-missing",
				 "The token is there, but the key is not, or the URI fits several. "
				 "Check the URI of `key`, and that it is the same token as before.",
				 false, EXIT_CODE_IDENTITY},
	[OUTCOME_STORE] = {"store",
			   "The store failed. Check space, permissions and the health of the "
			   "disk that holds the state directory.",
			   false, EXIT_CODE_STORE},
	[OUTCOME_NO_CREDENTIALS] = {"no-credentials",
				    "No cloud access key has been made yet. Queue commands for "
				    "this device, for instance with a rule.",
				    true, EXIT_CODE_DEGRADED},
	[OUTCOME_CLOUD_REFUSED] = {"cloud-refused",
				   "The cloud does not accept the new credentials (yet).", true,
				   EXIT_CODE_DEGRADED},
	[OUTCOME_ROLLED_BACK] = {"rolled-back",
				 "The device works with the credentials that it had before. "
				 "Correct the new ones and queue their commands again.",
				 false, EXIT_CODE_DEGRADED},
	[OUTCOME_CANCELLED] = {"cancelled", "Stopped on request.", false, EXIT_CODE_FAILED},
	[OUTCOME_FAILED] = {"failed", "The agent ran into a problem of its own; its log has more.",
			    true, EXIT_CODE_FAILED},
};

const char *outcome_name(enum outcome o)
{
	return o < OUTCOME_N ? rows[o].name : "unknown";
}

const char *outcome_help(enum outcome o)
{
	return o < OUTCOME_N ? rows[o].help : "";
}

bool outcome_is_transient(enum outcome o)
{
	return o < OUTCOME_N && rows[o].transient;
}

enum exit_code outcome_exit_code(enum outcome o)
{
	return o < OUTCOME_N ? rows[o].exit : EXIT_CODE_FAILED;
}

static enum outcome outcome_of_errno(int r)
{
	switch (-r) {
	case ENOTCONN:
		return OUTCOME_LOST;
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTUNREACH:
	case ECONNREFUSED:
	case EADDRNOTAVAIL:
	case EACCES: /* what a firewall's REJECT makes of sendto() */
	case EPERM:
		return OUTCOME_NO_NETWORK;
	case EIO: /* sockets do not fail with these */
	case EROFS:
	case ENOSPC:
	case EUCLEAN:
		return OUTCOME_STORE;
	}
	return OUTCOME_FAILED;
}

static enum outcome outcome_of_session(int r)
{
	switch (r) {
	case SESSION_E_RESOLVE:
	case SESSION_E_UNREACHABLE:
		return OUTCOME_NO_NETWORK;
	case SESSION_E_CERTIFICATE:
		return OUTCOME_CERTIFICATE;
	case SESSION_E_HANDSHAKE:
		return OUTCOME_HANDSHAKE;
	case SESSION_E_TIMEOUT:
		return OUTCOME_TIMEOUT;
	case SESSION_E_LOST:
	case SESSION_E_NOT_RESUMABLE:
		return OUTCOME_LOST;
	case SESSION_E_RESET:
		return OUTCOME_BAD_REQUEST;
	case SESSION_E_PROTOCOL:
		return OUTCOME_BODY_INVALID;
	case SESSION_E_TOO_LARGE:
		return OUTCOME_BODY_TOO_LARGE;
	case SESSION_E_CANCELLED:
		return OUTCOME_CANCELLED;
	}
	return OUTCOME_FAILED;
}

static enum outcome outcome_of_unauthorized(enum outcome_step step)
{
	switch (step) {
	case OUTCOME_STEP_AUTHENTICATE:
		return OUTCOME_UNCLAIMED;
	case OUTCOME_STEP_FETCH:
	case OUTCOME_STEP_REPORT:
		return OUTCOME_REAUTHENTICATE;
	case OUTCOME_STEP_CLOUD:
		return OUTCOME_CLOUD_REFUSED;
	}
	return OUTCOME_FAILED;
}

static enum outcome outcome_of_code(enum outcome_step step, uint8_t code)
{
	switch (code) {
	case CODE(2, 1):
	case CODE(2, 4):
	case CODE(2, 5):
		return OUTCOME_OK;
	case CODE(4, 1):
		return outcome_of_unauthorized(step);
	case CODE(4, 3):
		return step == OUTCOME_STEP_CLOUD ? OUTCOME_CLOUD_REFUSED : OUTCOME_REJECTED;
	case CODE(4, 4):
	case CODE(4, 5):
		return OUTCOME_NOT_FOUND;
	case CODE(4, 8):  /* the server lost blocks of ours: RFC 7959 §2.9.2 */
	case CODE(4, 29): /* RFC 8516 */
		return OUTCOME_BUSY;
	case CODE(4, 13):
		return OUTCOME_BODY_TOO_LARGE;
	}
	switch (code >> 5) {
	case 4:
		return OUTCOME_BAD_REQUEST;
	case 5:
		return OUTCOME_BUSY;
	}
	return OUTCOME_BODY_INVALID;
}

enum outcome outcome_of(enum outcome_step step, int r, uint8_t code)
{
	if (r < 0)
		return outcome_of_errno(r);
	if (r > 0)
		return outcome_of_session(r);
	return outcome_of_code(step, code);
}

enum outcome outcome_of_reply(enum outcome_step step, uint8_t code, const uint8_t *payload,
			      size_t len)
{
	static const char word[] = "clock: ";
	enum outcome o = outcome_of_code(step, code);

	if ((o == OUTCOME_REJECTED || o == OUTCOME_CLOUD_REFUSED) && len >= sizeof(word) - 1 &&
	    memcmp(payload, word, sizeof(word) - 1) == 0)
		return OUTCOME_CLOCK;
	return o;
}

enum outcome outcome_of_connect(int r)
{
	if (r == 0)
		return OUTCOME_OK;
	return r < 0 ? outcome_of_errno(r) : outcome_of_session(r);
}

enum outcome outcome_of_key(int r)
{
	switch (r) {
	case 0:
		return OUTCOME_OK;
	case KEY_E_TOKEN_ABSENT:
		return OUTCOME_TOKEN_ABSENT;
	case KEY_E_PIN_MISSING:
		return OUTCOME_PIN_MISSING;
	case KEY_E_PIN_WRONG:
		return OUTCOME_PIN_WRONG;
	case KEY_E_PIN_LOCKED:
		return OUTCOME_PIN_LOCKED;
	case KEY_E_NOT_FOUND:
	case KEY_E_AMBIGUOUS:
		return OUTCOME_KEY_MISSING;
	case KEY_E_TOKEN:
		return OUTCOME_TOKEN_FAILED;
	case -EUCLEAN:
		return OUTCOME_STORE;
	case -ENOMEM:
	case -EAGAIN: /* no thread to be had */
	case -EMFILE:
	case -ENFILE:
		return OUTCOME_FAILED;
	}
	return OUTCOME_IDENTITY;
}

bool outcome_is_of_token(enum outcome o)
{
	return o >= OUTCOME_TOKEN_ABSENT && o <= OUTCOME_KEY_MISSING;
}
