/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/peers/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/queue.h"

static const struct {
	const char *name, *path;
} steps[_STEP_MAX] = {
	[STEP_AUTH] = {"auth", "p/auth-jwt"},
	[STEP_CMD] = {"cmd", "p/cmd"},
	[STEP_RSP] = {"rsp", "p/rsp"},
	[STEP_SUSPEND] = {"suspend", ".dtls/suspend"},
	[STEP_CLOUD_AUTH] = {"cloud-auth", "auth/jwt"},
	[STEP_STATE] = {"state", "state"},
	[STEP_REPORTED] = {"reported", "state/reported"},
};

const char *step_name(enum step step)
{
	return steps[step].name;
}

const char *step_path(enum step step)
{
	return steps[step].path;
}

static int parse_option(const char *text, struct answer *a)
{
	const char *value = strchr(text, '=');
	size_t n;

	if (!value)
		return -EINVAL;
	n = (size_t)(value++ - text);
	if (n == 7 && !memcmp(text, "max-age", n))
		a->max_age_s = atoi(value);
	else if (n == 5 && !memcmp(text, "block", n))
		a->block = atoi(value);
	else if (n == 8 && !memcmp(text, "separate", n))
		a->separate_ms = (unsigned int)atoi(value);
	else if (n == 3 && !memcmp(text, "hex", n)) {
		a->has_payload = true;
		return hex_decode(value, a->payload, sizeof(a->payload), &a->payload_len);
	} else if (n == 4 && !memcmp(text, "echo", n)) {
		a->has_echo = true;
		return hex_decode(value, a->echo, sizeof(a->echo), &a->echo_len);
	} else
		return -EINVAL;
	return 0;
}

static int parse_code(const char *text, int *ret)
{
	if (!strcmp(text, "none"))
		*ret = 0;
	else if (!strcmp(text, "-"))
		*ret = -1;
	else if (strlen(text) == 4 && text[1] == '.')
		*ret = (text[0] - '0') << 5 | ((text[2] - '0') * 10 + text[3] - '0');
	else
		return -EINVAL;
	return 0;
}

int answer_parse(const char *text, struct answer *ret)
{
	char *copy = strdup(text), *rest = copy, *field;
	struct answer a = {.step = _STEP_MAX, .code = -1, .max_age_s = -1, .block = -1};
	int r = copy ? 0 : -ENOMEM;

	for (unsigned int at = 0; r == 0 && (field = strsep(&rest, ":")); at++) {
		if (at == 0) {
			for (unsigned int s = 0; s < _STEP_MAX; s++)
				if (!strcmp(field, steps[s].name))
					a.step = (enum step)s;
			r = a.step == _STEP_MAX ? -EINVAL : 0;
		} else if (at == 1)
			a.n = strcmp(field, "*") ? (unsigned int)atoi(field) : 0;
		else if (at == 2)
			r = parse_code(field, &a.code);
		else
			r = parse_option(field, &a);
	}
	free(copy);
	if (r == 0)
		*ret = a;
	return r;
}
