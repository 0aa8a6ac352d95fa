/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "service/core_private.h"
#include "service/crypto.h"

struct core *core_free(struct core *c)
{
	if (!c)
		return NULL;
	ca_free(c->ca);
	limits_free(c->limits);
	crl_cache_done(&c->crl);
	free(c->crl_url);
	free(c->ca_dir);
	free(c->cloud_ca);
	json_decref(c->builtin_commands);
	free(c);
	return NULL;
}

/* A CA for devices as they get it; "" for none: the verbs that do not serve need none. */
static int ca_clean(const char *what, const char *pem, char **ret, char **ret_detail)
{
	int r;

	if (!pem) {
		*ret = strdup("");
		return *ret ? 0 : -ENOMEM;
	}
	r = crypto_certificates_clean(pem, ret);
	if (r > 0) {
		core_detail(ret_detail, "%s is not a PEM certificate", what);
		return -EINVAL;
	}
	return r;
}

static int cloud_ca_make(const struct core_config *config, char **ret, char **ret_detail)
{
	_cleanup_(freep) char *first = NULL, *root = NULL;
	int r;

	r = ca_clean("the CA to prepend for devices", config->amazon_ca_pem, &first, ret_detail);
	if (r < 0)
		return r;
	r = ca_clean("the root CA for devices", config->root_ca_pem, &root, ret_detail);
	if (r < 0)
		return r;
	core_detail(ret, "%s%s", first, root);
	return *ret ? 0 : -ENOMEM;
}

int core_new(const struct core_config *config, struct core **ret, char **ret_detail)
{
	_cleanup_(core_freep) struct core *c = NULL;
	int r;

	*ret_detail = NULL;
	if (config->cloud_tag > SEC_TAG_MAX) {
		core_detail(ret_detail, "the cloud tag %u is above %u", config->cloud_tag,
			    SEC_TAG_MAX);
		return -EINVAL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->store = config->store;
	c->makers = config->makers;
	c->metrics = config->metrics;
	c->cloud_tag = config->cloud_tag;
	c->clock_skew_s = config->clock_skew_s;
	c->audit_keep_s = (int64_t)config->audit_keep_days * 86400;
	c->ca_dir = strdup(config->ca_dir);
	if (!c->ca_dir)
		return -ENOMEM;
	r = cloud_ca_make(config, &c->cloud_ca, ret_detail);
	if (r == 0 && config->crl_url && !crypto_crl_url_check(config->crl_url)) {
		core_detail(ret_detail,
			    "the URL of the revocation list must begin with http:// or https:// "
			    "and have no commas, blanks or quotes: %s",
			    config->crl_url);
		return -EINVAL;
	}
	if (r == 0 && config->crl_url) {
		c->crl_url = strdup(config->crl_url);
		r = c->crl_url ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = limits_new(config->device_rate, &c->limits);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

bool core_is_ready(struct core *c)
{
	return !c->is_stopping && c->store->ops->ping(c->store) == 0;
}

void core_stop(struct core *c)
{
	c->is_stopping = true;
}

void core_upkeep(struct core *c)
{
	int r = c->store->ops->token_prune(c->store, clock_wall_s());

	if (r < 0)
		log_warning("tokens that ended cannot be forgotten: %s, ignoring", strerror(-r));
	if (c->audit_keep_s == 0)
		return;
	r = c->store->ops->audit_prune(c->store, c->audit_keep_s);
	if (r < 0)
		log_warning("old rows of the audit log cannot be forgotten: %s, ignoring",
			    strerror(-r));
}

int core_ca(struct core *c, struct ca **ret)
{
	_cleanup_(freep) char *detail = NULL;
	int r;

	r = core_ca_open(c, &detail);
	if (r < 0) {
		log_error("cannot use the device CA: %s", detail ? detail : strerror(-r));
		return r;
	}
	*ret = c->ca;
	return 0;
}

unsigned int core_owned_device(struct core *c, const struct core_owner *o, const char *device,
			       struct store_device *ret_row, json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	char uuid[CORE_UUID_TEXT];
	int r;

	r = core_uuid_normal(device, uuid);
	if (r < 0)
		return core_problem(404, ret, "a device id is a UUID");
	r = c->store->ops->device_get(c->store, uuid, &row);
	if (r < 0)
		return core_fail_http(r, "cannot read a device", ret);
	/* Another team's device is as good as none. */
	if (r == STORE_E_NOT_FOUND || strcmp(row.team, o->team) != 0)
		return core_problem(404, ret, "your team has not claimed device %s", uuid);
	*ret_row = row;
	memset(&row, 0, sizeof(row));
	return 0;
}

unsigned int core_items(int r, json_t *items, const char *what, json_t **ret)
{
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, what, ret);
	*ret = json_pack("{s:O}", "items", items);
	return 200;
}

void core_detail(char **ret, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(ret, format, ap) < 0)
		*ret = NULL;
	va_end(ap);
}

void core_uuid(char ret[static CORE_UUID_TEXT])
{
	uint8_t uuid[UUID_LEN];

	random_fill(uuid, sizeof(uuid));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	uuid_format(uuid, ret);
}

int core_uuid_normal(const char *text, char ret[static CORE_UUID_TEXT])
{
	uint8_t uuid[UUID_LEN];
	int r;

	r = uuid_parse(text, strlen(text), uuid);
	if (r < 0)
		return r;
	uuid_format(uuid, ret);
	return 0;
}

json_t *core_json_text(const char *text)
{
	_cleanup_(freep) char *copy = NULL;
	json_t *value = json_string(text);

	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(copy);
}

json_t *core_json_time(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[32];

	if (seconds == 0 || !gmtime_r(&t, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

int core_json_load(const char *text, json_t **ret)
{
	if (!text)
		return -EBADMSG;
	*ret = json_loads(text, 0, NULL);
	return *ret ? 0 : -EBADMSG;
}

json_t *core_json_time_ms(int64_t milliseconds)
{
	time_t t = (time_t)(milliseconds / 1000);
	struct tm tm;
	char text[32];

	if (milliseconds == 0 || !gmtime_r(&t, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	return json_sprintf("%s.%03dZ", text, (int)(milliseconds % 1000));
}

bool core_tag_is_valid(const char *tag, size_t len)
{
	if (!tag || len == 0 || len > TAG_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(tag[i]) || (!isalnum(tag[i]) && !strchr("-_.:", tag[i])) || !tag[i])
			return false;
	return true;
}

bool core_has_tag(const json_t *tags, const char *tag)
{
	const json_t *item;
	size_t i;

	json_array_foreach(tags, i,
			   item) if (strcmp(json_string_value(item), tag) == 0) return true;
	return false;
}

json_t *core_tags(const json_t *value, char **ret_detail)
{
	_cleanup_(json_decrefp) json_t *tags = json_array();
	json_t *item;
	size_t i;

	if (!json_is_array(value)) {
		core_detail(ret_detail, "tags must be an array of texts");
		return NULL;
	}
	if (json_array_size(value) > TAGS_MAX) {
		core_detail(ret_detail, "there are more than %d tags", TAGS_MAX);
		return NULL;
	}
	json_array_foreach(value, i, item)
	{
		if (!core_tag_is_valid(json_string_value(item), json_string_length(item))) {
			core_detail(ret_detail,
				    "tags[%zu] must be 1 to %d letters, digits and - _ . :", i,
				    TAG_MAX);
			return NULL;
		}
		if (!core_has_tag(tags, json_string_value(item)) &&
		    json_array_append(tags, item) < 0)
			return NULL;
	}
	return TAKE_PTR(tags);
}
