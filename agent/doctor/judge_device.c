/* SPDX-License-Identifier: Apache-2.0 */
/* onboardd, its configuration, and whom it is to the service. */

#include <string.h>

#include "agent/doctor/judge.h"

void judge_configuration(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (f->config == FACTS_CONFIG_GOOD) {
		finding_ok(ret, "understood");
	} else if (f->config == FACTS_CONFIG_UNREADABLE && f->has_target) {
		finding_ok(ret, "as onboardd has it; not readable here");
	} else if (f->config == FACTS_CONFIG_UNREADABLE) {
		finding_fail(ret, "Whom this device is to reach is not known here.", "%s",
			     f->config_text);
		finding_remedy(ret, "Run this as root.");
	} else {
		finding_fail(ret, "onboardd does not start with it.", "%s", f->config_text);
		finding_remedy(ret, "Mend that line, then: systemctl restart onboardd.");
	}
}

void judge_identity_key(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] = "This device cannot prove who it is.";

	if (*f->missing_file) {
		finding_fail(ret, means, "%s is not there", f->missing_file);
		finding_remedy(ret,
			       "Put the file back that the configuration names; the identity is "
			       "never made anew by itself.");
	} else if (*f->exposed_file) {
		finding_fail(ret, "Who reads it can pass for this device.",
			     "others than its owner may read %s", f->exposed_file);
		finding_remedy(ret, "chmod 600 %s, and consider whether it is still a secret.",
			       f->exposed_file);
	} else if (judge_ended_by(f, DOCTOR_IDENTITY_KEY)) {
		finding_fail(ret, means, "%s", f->ended_text);
		finding_remedy(ret,
			       "Check [identity] and [token] of the configuration and what they "
			       "name, then: systemctl restart onboardd.");
	} else if (!f->key_was_tried) {
		finding_skip(ret, "only onboardd can tell");
	} else if (!f->key_works) {
		finding_fail(ret, means, "%s", f->key_text);
		finding_remedy(ret,
			       f->key_is_in_token
				       ? "Plug the token in, and check [token] and its PIN file."
				       : "See: journalctl -u onboardd.");
	} else {
		finding_ok(ret, "signs, in %s", f->key_is_in_token ? "its token" : "the store");
	}
}

/* Whether its state is known, which everybody may read. */
static bool is_running(const struct doctor_facts *f)
{
	return f->daemon == FACTS_DAEMON_SERVED || f->daemon == FACTS_DAEMON_FORBIDDEN;
}

void judge_claim(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (!is_running(f)) {
		finding_skip(ret, "only onboardd can tell");
	} else if (strcmp(f->outcome, "rejected") == 0) {
		finding_fail(ret, "The service does not accept this identity.", "%s", f->reason);
		finding_remedy(ret,
			       "Import it where the service runs: onboardctl identity export.");
	} else if (strcmp(f->claimed, "no") == 0) {
		finding_fail(ret, "It gets no credentials before somebody has claimed it.",
			     "this device belongs to nobody");
		finding_remedy(ret, "Give its owner the token that `onboardctl token --qr` shows.");
	} else if (strcmp(f->claimed, "yes") == 0) {
		finding_ok(ret, "this device has an owner");
	} else {
		finding_skip(ret, "not known before the service has been reached");
	}
}

void judge_daemon(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] = "Nothing is provisioned.";

	switch (f->daemon) {
	case FACTS_DAEMON_SERVED:
		finding_ok(ret, "%s", f->state);
		return;
	case FACTS_DAEMON_FORBIDDEN:
		finding_warn(ret, "What only onboardd knows could not be checked.",
			     "onboardd runs, but does not tell you everything");
		finding_remedy(ret, "Run this as root or as a member of the group onboardd.");
		return;
	case FACTS_DAEMON_NO_BUS:
		finding_fail(ret, means, "the system bus cannot be reached");
		finding_remedy(ret, "Start it: systemctl start dbus.");
		return;
	case FACTS_DAEMON_SILENT:
		finding_fail(ret, means, "onboardd does not answer");
		finding_remedy(ret,
			       "See journalctl -u onboardd, then: systemctl restart onboardd.");
		return;
	case FACTS_DAEMON_ABSENT:
		break;
	}
	if (*f->ended_by && !judge_ended_by(f, DOCTOR_DAEMON)) {
		finding_skip(ret, "it ended, see %s", f->ended_by);
		return;
	}
	if (*f->ended_by)
		finding_fail(ret, means, "onboardd ended with %d: %s", f->ended_exit,
			     f->ended_text);
	else
		finding_fail(ret, means, "onboardd is not running");
	finding_remedy(ret, "systemctl start onboardd; if it ends again: journalctl -u onboardd.");
}

void judge_cycle(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char *const troubles[] = {"degraded", "failed", "backing-off",
					       "waiting-to-validate"};

	for (size_t i = 0; is_running(f) && i < ARRAY_SIZE(troubles); i++) {
		if (strcmp(f->state, troubles[i]) != 0)
			continue;
		finding_fail(ret, "The last cycle did not end well.", "%s: %s", f->outcome,
			     f->reason);
		finding_remedy(ret, "If the cause is mended, it need not be waited for: onboardctl "
				    "provision --wait.");
		return;
	}
	if (is_running(f))
		finding_ok(ret, "%s: %s", f->outcome, f->reason);
	else
		finding_skip(ret, "only onboardd can tell");
}
