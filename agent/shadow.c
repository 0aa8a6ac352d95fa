/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/shadow.h"

#define COMMAND_PROVISION 1

static bool integer_of(const json_t *value, json_int_t min, json_int_t max, json_int_t *ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < min ||
	    json_integer_value(value) > max)
		return false;
	*ret = json_integer_value(value);
	return true;
}

static void read_command(const json_t *command, struct shadow_wish *ret)
{
	json_int_t type, id;

	if (!command || json_is_null(command))
		return;
	if (json_array_size(command) == 2 &&
	    integer_of(json_array_get(command, 0), COMMAND_PROVISION, COMMAND_PROVISION, &type) &&
	    integer_of(json_array_get(command, 1), 1, UINT32_MAX, &id))
		ret->command = (uint32_t)id;
	else
		ret->refused = "\"command\": only [1, N] with N from 1 to 4294967295 is known";
}

static void read_poll(const json_t *poll, struct shadow_wish *ret)
{
	json_int_t s;

	if (!poll || json_is_null(poll))
		return;
	ret->sets_poll =
		integer_of(poll, 0, SHADOW_POLL_MAX_S, &s) && (s == 0 || s >= SHADOW_POLL_MIN_S);
	if (ret->sets_poll) {
		ret->poll_s = (uint32_t)s;
		return;
	}
	ret->has_bad_poll = true;
	ret->refused = "\"config\": poll_interval is 0 or a whole number of seconds from 10 to "
		       "604800";
}

void shadow_read(const json_t *delta, struct shadow_wish *ret)
{
	*ret = (struct shadow_wish){.command = 0};
	read_poll(json_object_get(json_object_get(delta, "config"), "poll_interval"), ret);
	read_command(json_object_get(delta, "command"), ret);
}

json_t *shadow_report(int64_t poll_s, uint32_t command)
{
	json_auto_t *report = json_object();

	/* In the order in which decoders of others want the keys. */
	if (poll_s >= 0 &&
	    json_object_set_new(report, "config",
				json_pack("{s:I}", "poll_interval", (json_int_t)poll_s)) < 0)
		return NULL;
	if (command != 0 &&
	    json_object_set_new(report, "command",
				json_pack("[i, I]", COMMAND_PROVISION, (json_int_t)command)) < 0)
		return NULL;
	return json_object_size(report) > 0 ? TAKE_PTR(report) : NULL;
}
