/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "base/log.h"

#define FIELD_MAX 128 /* of a name and its value, with NUL */
#define LINE_ROOM 1088

#define ID_STATE "ebb223904bd54d05b7921db23be35efd"
#define ID_UNCLAIMED "18443e879ac1487bbe680c27ede67675"
#define ID_IDLE "941408d1014f4b5c9c4583014eca3874"
#define ID_DEGRADED "ddb185294c864f5cb2d953bd3da4b06e"
#define ID_FAILED "89c9c465479c422d8e4fad8070f974cc"
#define ID_BACKING_OFF "ec1642230405444bab232c802acfa5e9"
#define ID_NO_NETWORK "1693e5087db747d5b236f9fd76a05553"
#define ID_NO_TIME "49574953654e472da2be6b3a57f921cb"
#define ID_REQUESTED "9bdb2737f56a4c7cbb104c06958e0a7f"
#define ID_COMMAND_DONE "e90d2315ccf84afc9eeded3bd1c27b06"
#define ID_INTERVAL "8c1d0445e33c41afb0ab5674448f8d1c"
#define ID_CERTIFICATE_AGED "f298c652e7044a62b76ab2a8c9758f0c"
#define ID_ROLLED_BACK "b82f2f08a6824f7ca571154f70f2fb91"
#define ID_STARTED_ANEW "10bbd284fdb4444ea8d60cc2526b9bc1"
#define ID_ENDED "ee7a51f7f4c7481781dcaf5b82225385"

/* ---- the way there ---- */

static bool send_line(enum log_level level, const char *line, const struct log_field *fields,
		      size_t n)
{
	char texts[LOG_FIELDS_MAX][FIELD_MAX], message[LINE_ROOM], priority[16];
	struct iovec iov[LOG_FIELDS_MAX + 2];
	int n_iov = 0;

	snprintf(message, sizeof(message), "MESSAGE=%s", line);
	snprintf(priority, sizeof(priority), "PRIORITY=%d", (int)level);
	iov[n_iov++] = (struct iovec){message, strlen(message)};
	iov[n_iov++] = (struct iovec){priority, strlen(priority)};
	for (size_t i = 0; i < n; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s=%s", fields[i].name, fields[i].value);
		iov[n_iov++] = (struct iovec){texts[i], strlen(texts[i])};
	}
	return sd_journal_sendv(iov, n_iov) == 0;
}

/* systemd.exec(5): $JOURNAL_STREAM names device and inode of the journal's stream; a program that
 * redirected stderr inherits the variable, too. */
static bool is_stderr_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, here) == 0;
}

void journal_connect(void)
{
	if (is_stderr_the_journal())
		log_set_sink(send_line);
}

/* ---- what is told ---- */

static const char *id_of(enum fsm_state s)
{
	switch (s) {
	case FSM_STATE_UNCLAIMED:
		return ID_UNCLAIMED;
	case FSM_STATE_IDLE:
		return ID_IDLE;
	case FSM_STATE_DEGRADED:
		return ID_DEGRADED;
	case FSM_STATE_FAILED:
		return ID_FAILED;
	case FSM_STATE_BACKING_OFF:
		return ID_BACKING_OFF;
	case FSM_STATE_WAITING_FOR_NETWORK:
		return ID_NO_NETWORK;
	case FSM_STATE_WAITING_FOR_TIME:
		return ID_NO_TIME;
	case FSM_STATE_BOOTING:
	case FSM_STATE_CONNECTING:
	case FSM_STATE_AUTHENTICATING:
	case FSM_STATE_FETCHING:
	case FSM_STATE_SUSPENDING:
	case FSM_STATE_EXECUTING:
	case FSM_STATE_RESUMING:
	case FSM_STATE_REPORTING:
	case FSM_STATE_VALIDATING:
	case FSM_STATE_WAITING_TO_VALIDATE:
	case FSM_STATE_FALLING_BACK:
	case FSM_STATE_POLLING:
	case FSM_STATE_STOPPED:
	case FSM_N_STATES:
		break;
	}
	return ID_STATE;
}

void journal_state(bool is_quiet, enum fsm_state from, enum fsm_state to, enum outcome outcome,
		   const char *trace, const char *why)
{
	const char *const old_state = fsm_state_name(from), *const new_state = fsm_state_name(to);
	const struct log_field fields[] = {
		{"MESSAGE_ID", id_of(to)},          {"STATE", new_state}, {"OLD_STATE", old_state},
		{"OUTCOME", outcome_name(outcome)}, {"TRACE", trace},
	};

	log_event(is_quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, fields, ARRAY_SIZE(fields),
		  "state old=%s new=%s trace=%s why=\"%s\"", old_state, new_state, trace, why);
}

void journal_requested(const char *requests)
{
	const struct log_field fields[] = {{"MESSAGE_ID", ID_REQUESTED}, {"REQUEST", requests}};

	log_event(LOG_LEVEL_NOTICE, fields, ARRAY_SIZE(fields), "request waiting=\"%s\"", requests);
}

void journal_command_done(uint32_t command)
{
	char text[32];
	const struct log_field fields[] = {{"MESSAGE_ID", ID_COMMAND_DONE}, {"REQUEST", text}};

	snprintf(text, sizeof(text), "shadow command %" PRIu32, command);
	log_event(LOG_LEVEL_NOTICE, fields, ARRAY_SIZE(fields), "request done=\"%s\"", text);
}

void journal_interval(uint64_t interval_s)
{
	char text[24];
	const struct log_field fields[] = {{"MESSAGE_ID", ID_INTERVAL}, {"INTERVAL", text}};

	snprintf(text, sizeof(text), "%" PRIu64, interval_s);
	log_event(LOG_LEVEL_NOTICE, fields, ARRAY_SIZE(fields), "interval seconds=%s", text);
}

void journal_certificate_aged(uint32_t tag)
{
	char text[16];
	const struct log_field fields[] = {{"MESSAGE_ID", ID_CERTIFICATE_AGED}, {"TAG", text}};

	snprintf(text, sizeof(text), "%" PRIu32, tag);
	log_event(LOG_LEVEL_NOTICE, fields, ARRAY_SIZE(fields),
		  "certificate aged tag=%s: past two thirds of its life, and the service has no "
		  "other one yet",
		  text);
}

void journal_rolled_back(uint32_t tag, const char *why)
{
	char text[16];
	const struct log_field fields[] = {{"MESSAGE_ID", ID_ROLLED_BACK}, {"TAG", text}};

	snprintf(text, sizeof(text), "%" PRIu32, tag);
	log_event(LOG_LEVEL_NOTICE, fields, ARRAY_SIZE(fields),
		  "credentials rolled-back tag=%" PRIu32 " why=\"%s\"", tag, why);
}

void journal_started_anew(const char *notice)
{
	const struct log_field fields[] = {{"MESSAGE_ID", ID_STARTED_ANEW}};

	log_event(LOG_LEVEL_ERROR, fields, ARRAY_SIZE(fields), "store event=started-anew: %s",
		  notice);
}

void journal_ended(int exit_code, const char *detail)
{
	char text[16];
	const struct log_field fields[] = {{"MESSAGE_ID", ID_ENDED}, {"EXIT_CODE", text}};

	snprintf(text, sizeof(text), "%d", exit_code);
	log_event(LOG_LEVEL_ERROR, fields, ARRAY_SIZE(fields), "%s", detail);
}
