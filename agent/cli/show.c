/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/duration.h"
#include "agent/plain.h"
#include "base/macros.h"

#define COLUMNS 79
#define LABEL 14

/* Characters of the UTF-8 text, up to len bytes. */
static size_t width(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Writes words into the columns from `indent` on, where the cursor is. */
static void write_words(const char *text, size_t indent)
{
	size_t column = indent;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + width(text, len) > COLUMNS) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		}
		printf("%s%.*s", column > indent ? " " : "", (int)len, text);
		column += width(text, len) + (column > indent);
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

void show_field(const char *label, const char *text)
{
	char plain[8192]; /* a claim token, too */

	printf("%s:%*s", label, (int)(LABEL - 1 - strlen(label)), "");
	write_words(plain_text(text, plain, sizeof(plain)), LABEL);
}

void show_words(const char *label, size_t label_width, const char *text, size_t indent)
{
	char plain[2048];

	printf("%-*s", (int)label_width, label);
	write_words(plain_text(text, plain, sizeof(plain)), indent);
}

void show_json(const json_t *json, bool on_one_line)
{
	json_dumpf(json, stdout, on_one_line ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
}

static void show_time(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[16];

	if (localtime_r(&now, &tm) && strftime(text, sizeof(text), "%H:%M:%S", &tm) > 0)
		printf("%s  ", text);
}

void show_step(const char *name, const char *text)
{
	char a[64], b[1024];

	show_time();
	printf("  %-13s ", plain_text(name, a, sizeof(a)));
	write_words(plain_text(text, b, sizeof(b)), 26);
}

void show_state(const char *old_state, const char *new_state, const char *why)
{
	char text[1280], plain[1280];

	show_time();
	snprintf(text, sizeof(text), "%.64s -> %.64s%s%s", old_state, new_state,
		 why && *why ? ": " : "", why ? why : "");
	write_words(plain_text(text, plain, sizeof(plain)), 10);
}

void show_now(const char *state, const char *why)
{
	char text[1280], plain[1280];

	show_time();
	snprintf(text, sizeof(text), "now %.64s%s%s", state, *why ? ": " : "", why);
	write_words(plain_text(text, plain, sizeof(plain)), 10);
}

/* ---- status ---- */

static const char *text_in(const json_t *status, const char *key)
{
	const char *text = json_string_value(json_object_get(status, key));

	return text ? text : "";
}

static int64_t number_in(const json_t *status, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(status, key));
}

static void show_last_success(int64_t at_s)
{
	time_t at = (time_t)at_s;
	struct tm tm;
	char text[64];

	if (at_s <= 0)
		show_field("Last success", "never");
	else if (localtime_r(&at, &tm) && strftime(text, sizeof(text), "%F %T %z", &tm) > 0)
		show_field("Last success", text);
}

static void show_next(const char *state, int64_t in_ms)
{
	const bool idle = strcmp(state, "idle") == 0, unclaimed = strcmp(state, "unclaimed") == 0;
	char text[96], duration[DURATION_TEXT_MAX];

	if (in_ms <= 0)
		return;
	duration_describe((uint64_t)in_ms / 1000, duration);
	snprintf(text, sizeof(text), "in %s%s", duration,
		 idle || unclaimed ? "" : "; at once with: onboardctl provision");
	show_field(idle ? "Next cycle" : "Next try", text);
}

static void show_cycles(const json_t *status)
{
	const int64_t n = number_in(status, "cycles"), ok = number_in(status, "commands_ok"),
		      failed = number_in(status, "commands_failed");
	char text[128];

	if (n == 0 && ok + failed == 0) {
		show_field("Cycles", "none completed yet");
		return;
	}
	snprintf(text, sizeof(text),
		 "%" PRId64 " completed; in the last one %" PRId64 " command%s done, %" PRId64
		 " failed",
		 n, ok, ok == 1 ? "" : "s", failed);
	show_field("Cycles", text);
}

static void show_exports(const json_t *exports)
{
	const json_t *e;
	char text[1024];
	size_t i;

	json_array_foreach(exports, i, e)
	{
		snprintf(text, sizeof(text), "%.64s: %.32s%s%.512s; %.256s", text_in(e, "name"),
			 text_in(e, "state"), *text_in(e, "error") ? ", " : "", text_in(e, "error"),
			 text_in(e, "directory"));
		show_field("Export", text);
	}
}

void show_status(const json_t *status)
{
	char text[512];

	show_field("State", text_in(status, "state"));
	if (*text_in(status, "reason"))
		show_field("Why", text_in(status, "reason"));
	show_field("Outcome", text_in(status, "outcome"));
	show_field("Claimed", text_in(status, "claimed"));
	show_field("Cloud", text_in(status, "cloud"));
	snprintf(text, sizeof(text), "%.64s (%.64s)", text_in(status, "uuid"),
		 text_in(status, "hardware"));
	show_field("Device", text);
	snprintf(text, sizeof(text), "%.255s port %" PRId64, text_in(status, "server"),
		 number_in(status, "port"));
	show_field("Server", text);
	if (*text_in(status, "suite"))
		show_field("Cipher suite", text_in(status, "suite"));
	if (*text_in(status, "store"))
		show_field("Store", text_in(status, "store"));
	show_cycles(status);
	if (number_in(status, "pending_results") > 0) {
		snprintf(text, sizeof(text), "%" PRId64 " result%s for the service",
			 number_in(status, "pending_results"),
			 number_in(status, "pending_results") == 1 ? " waits" : "s wait");
		show_field("Unreported", text);
	}
	if (*text_in(status, "requests"))
		show_field("Asked for", text_in(status, "requests"));
	show_last_success(number_in(status, "last_success"));
	show_next(text_in(status, "state"), number_in(status, "next_try_ms"));
	show_exports(json_object_get(status, "exports"));
	if (*text_in(status, "claim_token")) {
		show_field("Claim token", text_in(status, "claim_token"));
		show_field("To claim it", "give the token to its owner, or show it: onboardctl "
					  "token --qr");
	}
}
