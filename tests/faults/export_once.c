/* SPDX-License-Identifier: Apache-2.0 */

/* The agent's exports without the rest of it: export-once CONFIG exports, waits for the hooks and
 * prints what became of each; export-once CONFIG CA CERTIFICATE KEY puts these PEM files into the
 * cloud tag instead, as a batch that the service has acknowledged. */

#include <stdio.h>
#include <string.h>

#include "agent/config_exports.h"
#include "agent/exports.h"
#include "base/file.h"
#include "credstore/key.h"
#include "credstore/store.h"

static int fail(const char *what, int r, const char *detail)
{
	fprintf(stderr, "export-once: %s: %d %s\n", what, r, detail ? detail : "");
	return 1;
}

static int put(struct store *s, uint32_t tag, enum credential_type type, const char *path)
{
	_cleanup_(secret_done) struct secret pem = SECRET_INIT;
	uint8_t digest[32];
	int r = file_read(path, 65536, &pem);

	if (r == 0)
		r = sha256(pem.data, pem.len, digest);
	return r == 0 ? store_credential_put(s, tag, type, pem.data, pem.len, digest) : r;
}

static int put_all(struct store *s, uint32_t tag, char **paths)
{
	int r = store_begin(s);

	if (r == 0)
		r = put(s, tag, CREDENTIAL_ROOT_CA, paths[0]);
	if (r == 0)
		r = put(s, tag, CREDENTIAL_CLIENT_CERT, paths[1]);
	if (r == 0)
		r = put(s, tag, CREDENTIAL_PRIVATE_KEY, paths[2]);
	return r == 0 ? store_commit(s) : r;
}

static void on_step(void *userdata, bool failed, const char *text)
{
	(void)userdata;
	(void)failed;
	printf("step %s\n", text);
}

static int export_all(const struct config *config, struct store *s)
{
	const struct exports_events events = {.step = on_step};
	const struct export_status *status;
	struct exports *exports = NULL;
	sd_event *event = NULL;
	size_t n = 0;
	int r = sd_event_new(&event);

	if (r >= 0)
		r = exports_new(event, config, s, &events, &exports);
	if (r >= 0) {
		exports_update(exports);
		while (r >= 0 && exports_are_busy(exports))
			r = sd_event_run(event, UINT64_MAX);
		status = exports_get_status(exports, &n);
		for (size_t i = 0; i < n; i++)
			printf("%s %s %s\n", status[i].name, status[i].state, status[i].error);
	}
	exports_free(exports);
	sd_event_unref(event);
	return r < 0 ? fail("exports", r, strerror(-r)) : 0;
}

int main(int argc, char **argv)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(freep) char *detail = NULL;
	int r;

	if (argc != 2 && argc != 5)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = config_load(argv[1], &config, &detail);
	if (r < 0)
		return fail("configuration", r, detail);
	r = store_open(config->state_dir, NULL, &store, &detail);
	if (r != 0)
		return fail("store", r, detail);
	if (argc == 2)
		return export_all(config, store);
	r = put_all(store, config->cloud_tag, argv + 2);
	return r != 0 ? fail("credentials", r, NULL) : 0;
}
