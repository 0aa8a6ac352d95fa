/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt needs that is held here: key, root CA and the session that trusts it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/log.h"
#include "cloud/internal.h"
#include "credstore/staged.h"
#include "provisioning/stats.h"

void cloud_forget_session(struct cloud_device *d)
{
	struct session_stats s;

	if (!d->session)
		return;
	session_get_stats(d->session, &s);
	stats_add(&d->earlier, &s);
	d->session = session_free(d->session);
	free(d->ca_pem);
	d->ca_pem = NULL;
}

/* Of the attempt that runs. As store_credential_get(). */
static int get_credential(struct cloud_device *d, enum credential_type type, struct secret *ret)
{
	return d->purpose == CLOUD_VALIDATE_PREVIOUS
		       ? staged_previous_get(d->store, d->sec_tag, type, ret)
		       : store_credential_get(d->store, d->sec_tag, type, ret);
}

int cloud_open_key(struct cloud_device *d, struct key **ret)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	int r;

	r = get_credential(d, CREDENTIAL_PRIVATE_KEY, &value);
	if (r == -ENOENT || r == -ENOMEM)
		return r;
	if (r != 0)
		return -EUCLEAN;
	r = key_open(d->ring, value.data, value.len, NULL, ret);
	return r == -EINVAL ? -EKEYREJECTED : r;
}

/* What an earlier process kept was logged in with a key that may have changed since: it is said
 * goodbye to, and leaves the descriptor store. */
static void end_earlier_session(struct cloud_device *d)
{
	if (session_adopt(d->session) != 0)
		return;
	log_debug("cloud: ending the session of an earlier process");
	session_close(d->session);
}

int cloud_prepare_session(struct cloud_device *d)
{
	_cleanup_(secret_done) struct secret ca = SECRET_INIT;
	const char *pem = d->fallback_ca;
	int r;

	r = get_credential(d, CREDENTIAL_ROOT_CA, &ca);
	if (r == 0)
		pem = (const char *)ca.data;
	else if (r != -ENOENT)
		return r < 0 ? r : -EIO;
	if (!pem)
		return -ENOENT;
	if (d->session && strcmp(d->ca_pem, pem) == 0)
		return 0;
	/* A kept one would live on in the descriptor store. */
	if (d->session)
		session_close(d->session);
	cloud_forget_session(d);
	d->ca_pem = strdup(pem);
	if (!d->ca_pem)
		return -ENOMEM;
	d->config.ca_pem = d->ca_pem;
	r = session_new(d->event, &d->config, &d->session);
	if (r != 0) {
		free(d->ca_pem);
		d->ca_pem = NULL;
		return r;
	}
	end_earlier_session(d);
	return 0;
}

json_t *cloud_describe_device(const struct cloud_device *d)
{
	struct utsname os;
	char os_text[160] = "Linux";

	if (uname(&os) == 0)
		snprintf(os_text, sizeof(os_text), "%s %s", os.sysname, os.release);
	return json_pack("{s:{s:{s:s, s:s, s:s, s:s}}}", "device", "deviceInfo", "board",
			 identity_hardware(d->identity), "appName", "onboardd", "appVersion",
			 ONBOARD_VERSION, "os", os_text);
}
