/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/mask.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MASKED "[masked]"
#define BASE64_MIN 24 /* 16 bytes have 22 characters and padding */
#define HEX_MIN 48    /* trace ids and UUIDs are shorter */
#define DRAWN_MIN 20  /* of a QR code in ASCII */
#define DIGITS_MIN 6  /* of a passkey */

static bool is_of_run(char c)
{
	return c != '\0' && isascii(c) && (isalnum((unsigned char)c) || strchr("+/_=-.", c));
}

struct classes {
	bool upper, lower, digit;
};

static struct classes classes_of(const char *run, size_t len)
{
	struct classes c = {0};

	for (size_t i = 0; i < len; i++) {
		c.upper = c.upper || isupper((unsigned char)run[i]);
		c.lower = c.lower || islower((unsigned char)run[i]);
		c.digit = c.digit || isdigit((unsigned char)run[i]);
	}
	return c;
}

/* What follows the last slash of a path, or another part of it, may be a secret all the same. */
static bool has_long_part(const char *run, size_t len, size_t max)
{
	size_t part = 0;

	for (size_t i = 0; i < len; i++) {
		part = run[i] == '/' ? 0 : part + 1;
		if (part > max)
			return true;
	}
	return false;
}

/* Whatever is glued to it, as in "key=9f86d0...". */
static bool has_long_hex(const char *run, size_t len)
{
	size_t digits = 0;

	for (size_t i = 0; i < len && digits < HEX_MIN; i++)
		digits = isxdigit((unsigned char)run[i]) ? digits + 1 : 0;
	return digits >= HEX_MIN;
}

static bool is_secret_run(const char *run, size_t len)
{
	const struct classes c = classes_of(run, len);
	uint8_t uuid[UUID_LEN];

	if (has_long_hex(run, len))
		return true;
	if (len < BASE64_MIN || !c.upper || !c.lower || !c.digit || uuid_parse(run, len, uuid) == 0)
		return false;
	return run[0] != '/' || has_long_part(run, len, 40);
}

/* The name that ends at `end`, of a key with a value after it. */
static bool is_secret_name(const char *begin, const char *end)
{
	static const char *const names[] = {"passphrase", "passkey",   "password",
					    "pin-value",  "pin_value", "pin",
					    "psk",        "secret",    "claim_token"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const size_t len = strlen(names[i]);

		if ((size_t)(end - begin) < len || strncasecmp(end - len, names[i], len) != 0)
			continue;
		if (end - len == begin || !isalnum((unsigned char)end[-(ptrdiff_t)len - 1]))
			return true;
	}
	return false;
}

/* Where the value of a secret begins when at is the '=' or ':' behind its name, else NULL. */
static const char *value_after(const char *line, const char *at)
{
	const char *end = at;

	while (end > line && (end[-1] == ' ' || end[-1] == '"'))
		end--;
	if ((*at != '=' && *at != ':') || !is_secret_name(line, end))
		return NULL;
	at++;
	at += strspn(at, " ");
	return at + (*at == '"');
}

static bool is_drawing(const char *line)
{
	/* U+2580 to U+259F, block elements. */
	for (const char *at = line; (at = strchr(at, '\xe2')) != NULL; at++)
		if ((unsigned char)at[1] == 0x96)
			return true;
	return strspn(line + strspn(line, " "), "# ") >= DRAWN_MIN &&
	       strspn(line, "# ") == strlen(line);
}

/* A passkey is said in words. */
static bool is_passkey(const char *line, const char *digits, size_t len)
{
	const char *word = strstr(line, "passkey");

	return len >= DIGITS_MIN && word && word < digits;
}

static size_t write_run(const char *line, const char *at, FILE *f)
{
	size_t len = 0;

	while (is_of_run(at[len]) && !(len > 0 && value_after(line, at + len)))
		len++;
	if (is_secret_run(at, len) ||
	    (strspn(at, "0123456789") == len && is_passkey(line, at, len)))
		fputs(MASKED, f);
	else
		fwrite(at, 1, len, f);
	return len;
}

static void write_line(const char *line, FILE *f)
{
	const char *at = line, *value;

	if (is_drawing(line)) {
		fputs(MASKED, f);
		return;
	}
	while (*at) {
		value = value_after(line, at);
		if (value && *value) {
			fprintf(f, "%.*s" MASKED, (int)(value - at), at);
			at = value + strcspn(value, value[-1] == '"' ? "\"" : "");
		} else if (is_of_run(*at)) {
			at += write_run(line, at, f);
		} else {
			fputc(*at++, f);
		}
	}
}

int mask_line(const char *line, char **ret)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	write_line(line, f);
	if (ferror(f) | fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
