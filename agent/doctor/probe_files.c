/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold secrets, and the room for more. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agent/doctor/probe.h"

#define OTHERS_MAY_READ (S_IROTH | S_IWOTH | S_IWGRP)

static void look_at(struct doctor_facts *f, const char *path)
{
	struct stat st;

	if (!path)
		return;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT && !*f->missing_file)
			fact_set(f->missing_file, sizeof(f->missing_file), path);
		return;
	}
	if (st.st_mode & OTHERS_MAY_READ && !*f->exposed_file)
		fact_set(f->exposed_file, sizeof(f->exposed_file), path);
}

void probe_files(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	struct statvfs fs;

	if (p->config) {
		look_at(f, p->config->key_file);
		look_at(f, p->config->token_pin_file);
		look_at(f, p->config->wifi_label_file);
	}
	if (!*f->state_dir || statvfs(f->state_dir, &fs) < 0)
		return;
	f->has_space = true;
	f->free_kib = (uint64_t)fs.f_bavail * fs.f_frsize / 1024;
	/* Some file systems have no such limit, and say 0 of 0. */
	f->free_inodes = fs.f_files > 0 ? fs.f_favail : UINT64_MAX;
}
