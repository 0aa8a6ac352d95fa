/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_core fake;

void fake_reset(void)
{
	json_decref(fake.state);
	free(fake.json);
	fake = (struct fake_core){.role = "editor", .status = 200};
}

static void keep(const void *data, size_t len)
{
	memcpy(fake.body, data ? data : "", len);
	fake.body_len = len;
}

void fake_keep_json(const json_t *json)
{
	free(fake.json);
	fake.json = json ? json_dumps(json, JSON_COMPACT) : NULL;
}

static void take_caller(const struct core_caller *who)
{
	snprintf(fake.device, sizeof(fake.device), "%s", who->device);
	snprintf(fake.trace, sizeof(fake.trace), "%s", who->trace);
	snprintf(fake.address, sizeof(fake.address), "%s", who->address);
}

static enum core_verdict answer(enum core_verdict v, struct core_caller *who)
{
	who->wait_s = v == CORE_BUSY ? fake.wait_s : 0;
	return v;
}

static enum core_verdict name_device(enum core_verdict v, struct core_caller *who)
{
	take_caller(who);
	who->device[0] = who->trace[0] = '\0';
	if (v == CORE_OK || v == CORE_UNCLAIMED) {
		strcpy(who->device, FAKE_DEVICE);
		strcpy(who->trace, FAKE_TRACE);
	}
	return answer(v, who);
}

enum core_verdict core_authenticate(struct core *c, struct core_caller *who, const char *jwt,
				    size_t len)
{
	(void)c;
	fake.n_authenticate++;
	keep(jwt, len);
	return name_device(fake.authenticate, who);
}

enum core_verdict core_authenticate_cloud(struct core *c, struct core_caller *who, const char *jwt,
					  size_t len)
{
	(void)c;
	fake.n_cloud++;
	keep(jwt, len);
	return name_device(fake.cloud, who);
}

enum core_verdict core_fetch(struct core *c, struct core_caller *who, const struct core_fetch *f,
			     uint8_t *ret, size_t size, size_t *ret_len)
{
	size_t len = fake.commands_len > size ? size : fake.commands_len;

	(void)c;
	fake.n_fetch++;
	take_caller(who);
	snprintf(fake.after, sizeof(fake.after), "%s", f->after);
	fake.rx_max = f->rx_max;
	fake.tx_max = f->tx_max;
	fake.limit = f->limit;
	memcpy(ret, fake.commands, len);
	*ret_len = len;
	return answer(fake.fetch, who);
}

enum core_verdict core_report(struct core *c, struct core_caller *who, const uint8_t *body,
			      size_t len)
{
	(void)c;
	fake.n_report++;
	take_caller(who);
	keep(body, len);
	return answer(fake.report, who);
}

enum core_verdict core_state_get(struct core *c, struct core_caller *who, bool delta, json_t **ret)
{
	(void)c;
	fake.n_state_get++;
	take_caller(who);
	fake.delta = delta;
	if (fake.state_get == CORE_OK)
		*ret = json_incref(fake.state);
	return answer(fake.state_get, who);
}

enum core_verdict core_state_patch(struct core *c, struct core_caller *who, const char *section,
				   const json_t *patch)
{
	(void)c;
	fake.n_patch++;
	take_caller(who);
	snprintf(fake.section, sizeof(fake.section), "%s", section);
	fake_keep_json(patch);
	return answer(fake.state_patch, who);
}

enum core_verdict core_owner_of_key(struct core *c, const char *api_key, struct core_owner *ret)
{
	(void)c;
	if (strcmp(api_key, FAKE_KEY) != 0)
		return CORE_REJECTED;
	*ret = (struct core_owner){.team = "team", .key_id = "key", .actor = "key:key"};
	strcpy(ret->role, fake.role);
	return CORE_OK;
}

unsigned int core_problem(unsigned int status, json_t **ret, const char *detail_format, ...)
{
	char detail[256];
	va_list ap;

	va_start(ap, detail_format);
	vsnprintf(detail, sizeof(detail), detail_format, ap);
	va_end(ap);
	*ret = json_pack("{s:i, s:s}", "status", (int)status, "detail", detail);
	return status;
}
