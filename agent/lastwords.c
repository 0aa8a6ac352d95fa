/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/lastwords.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/plain.h"
#include "base/file.h"

#define FILE_NAME "last-words.json"
#define DEFAULT_DIRECTORY "/run/onboardd"
#define FILE_MAX 4096
#define MODE 0640

/* systemd names several directories with colons between; the unit's own comes first. */
static int path_in(const char *directory, char ret[static PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%.*s/" FILE_NAME, (int)strcspn(directory, ":"), directory);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

void lastwords_say(const char *check, int exit_code, const char *detail)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");
	char path[PATH_MAX], plain[LASTWORDS_TEXT_MAX];
	_cleanup_(freep) char *text = NULL;
	json_t *words;

	if (!directory || path_in(directory, path) < 0)
		return;
	words = json_pack("{s:s, s:i, s:s}", "check", check, "exit", exit_code, "text",
			  plain_text(detail, plain, sizeof(plain)));
	text = words ? json_dumps(words, JSON_COMPACT) : NULL;
	json_decref(words);
	if (text)
		(void)!file_write_atomic(path, text, strlen(text), MODE);
}

void lastwords_forget(void)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");
	char path[PATH_MAX];

	if (directory && path_in(directory, path) == 0)
		(void)unlink(path);
}

int lastwords_read(struct lastwords *ret)
{
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	const char *directory = getenv("RUNTIME_DIRECTORY"), *check, *text;
	char path[PATH_MAX];
	json_t *words;
	int exit_code;
	int r = path_in(directory ? directory : DEFAULT_DIRECTORY, path);

	if (r == 0)
		r = file_read(path, FILE_MAX, &file);
	if (r < 0)
		return r;
	words = json_loadb((const char *)file.data, file.len, 0, NULL);
	if (json_unpack(words, "{s:s, s:i, s:s}", "check", &check, "exit", &exit_code, "text",
			&text) < 0) {
		json_decref(words);
		return -EINVAL;
	}
	*ret = (struct lastwords){.exit_code = exit_code};
	plain_text(check, ret->check, sizeof(ret->check));
	plain_text(text, ret->text, sizeof(ret->text));
	json_decref(words);
	return 0;
}
