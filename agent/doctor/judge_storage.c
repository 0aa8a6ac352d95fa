/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps the device's memory. */

#include <inttypes.h>
#include <string.h>

#include "agent/doctor/judge.h"

#define LOW_KIB 4096 /* a store is a fraction of it, with its journal */
#define NONE_KIB 256

static bool is_full(const struct doctor_facts *f)
{
	return judge_ended_by(f, DOCTOR_SPACE) ||
	       (f->has_space && (f->free_kib < NONE_KIB || f->free_inodes == 0));
}

void judge_store(const struct doctor_facts *f, struct doctor_finding *ret)
{
	static const char means[] = "Identity and credentials of this device are not to be had.";
	static const char remedy[] =
		"docs/storage.md tells how to recover: take a backup back, or start "
		"anew with `damaged-store = start-anew` in [daemon].";

	if (is_full(f)) {
		finding_skip(ret, "see space");
	} else if (judge_ended_by(f, DOCTOR_STORE)) {
		finding_fail(ret, means, "%s", f->ended_text);
		finding_remedy(ret, "%s", remedy);
	} else if (f->daemon != FACTS_DAEMON_SERVED) {
		finding_skip(ret, "only onboardd can tell");
	} else if (strcmp(f->outcome, "store") == 0) {
		finding_fail(ret, "What the service sends cannot be kept.", "%s", f->reason);
		finding_remedy(ret, "Check the medium under %s: dmesg; then restart onboardd.",
			       f->state_dir);
	} else if (*f->store_notice) {
		finding_warn(ret, "It is told once, for you to know.", "%s", f->store_notice);
		finding_remedy(ret, "docs/storage.md has more.");
	} else {
		finding_ok(ret, "%s", f->state_dir);
	}
}

void judge_sealing_key(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (judge_ended_by(f, DOCTOR_SEALING_KEY)) {
		finding_fail(ret, "The store is whole, but nobody can read it.", "%s",
			     f->ended_text);
		finding_remedy(ret,
			       "Bring back what holds the key: the credential, the token of "
			       "[sealing], or seal.key in %s. docs/storage.md has more.",
			       f->state_dir);
	} else if (*f->seal_text) {
		finding_fail(ret, "onboardd runs, but its next start will fail.", "%s",
			     f->seal_text);
		finding_remedy(ret, "Bring it back from a backup before onboardd ends.");
	} else if (f->daemon != FACTS_DAEMON_SERVED) {
		finding_skip(ret, "only onboardd can tell");
	} else {
		finding_ok(ret, "opens the store");
	}
}

void judge_space(const struct doctor_facts *f, struct doctor_finding *ret)
{
	if (is_full(f))
		finding_fail(ret, "What the service sends cannot be kept.",
			     f->free_inodes == 0 && f->has_space && f->free_kib >= NONE_KIB
				     ? "%s takes no more files (%" PRIu64 " KiB are left)"
				     : "%s is full: %" PRIu64 " KiB are left",
			     f->state_dir, f->free_kib);
	else if (!f->has_space)
		finding_skip(ret, "%s cannot be examined", *f->state_dir ? f->state_dir : "it");
	else if (f->free_kib < LOW_KIB)
		finding_warn(ret, "The next credentials may find no room.",
			     "%s is almost full: %" PRIu64 " KiB are left", f->state_dir,
			     f->free_kib);
	else
		finding_ok(ret, "%" PRIu64 " MiB in %s", f->free_kib / 1024, f->state_dir);
	if (ret->level == DOCTOR_FAILED || ret->level == DOCTOR_WARNING)
		finding_remedy(ret, "Make room: du -x, journalctl --vacuum-size=16M.");
}
