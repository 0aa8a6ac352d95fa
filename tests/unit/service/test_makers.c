/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <sys/stat.h>

#include "base/file.h"
#include "maker.h"
#include "service/makers.h"

struct files {
	char dir[64];
	struct maker *maker;
};

static int setup(void **state)
{
	struct files *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/onboard-makers-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->maker = maker_new("Maker Root");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct files *f = *state;

	folder_remove(f->dir);
	maker_free(f->maker);
	free(f);
	return 0;
}

static const char *write_text(const struct files *f, const char *name, const char *text)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
	return path;
}

static const char *write_cert(const struct files *f, const char *name, X509 *cert)
{
	char *pem = cert_pem(cert);
	const char *path = write_text(f, name, pem);

	free(pem);
	return path;
}

/* The result, and whether the reason names file and fault. */
static int load(const char *path, const char *part)
{
	struct crypto_makers *m = NULL;
	char *detail = NULL;
	int r = makers_load(&path, 1, &m, &detail);

	if (r == 0)
		assert_null(detail);
	else if (!strstr(detail, part))
		fail_msg("\"%s\" does not say \"%s\"", detail, part);
	crypto_makers_free(m);
	free(detail);
	return r;
}

static void cas_come_from_files_and_from_directories(void **state)
{
	struct files *f = *state;

	assert_int_equal(load(write_cert(f, "root.pem", f->maker->root), ""), 0);
	write_cert(f, "line.crt", f->maker->line);
	/* Others in a directory are somebody else's. */
	write_text(f, "README", "hello");
	write_text(f, ".hidden.pem", "hello");
	assert_int_equal(load(f->dir, ""), 0);
}

static void what_is_no_ca_is_refused_by_its_file(void **state)
{
	struct files *f = *state;
	X509 *leaf = cert_make(&(struct cert_spec){.cn = "leaf", .key = f->maker->root_key});
	char *pem = cert_pem(f->maker->root);

	assert_int_equal(load("/nonexistent/ca.pem", "/nonexistent/ca.pem: No such"), 1);
	assert_int_equal(load(f->dir, "no *.pem"), 1);
	assert_int_equal(load(write_text(f, "a.pem", ""), "a.pem: no PEM certificate"), 1);
	assert_int_equal(load(write_text(f, "a.pem", "hello"), "a.pem: no PEM certificate"), 1);
	assert_int_equal(load(write_cert(f, "a.pem", leaf), "a.pem: a certificate in it is not"),
			 1);
	pem[100] = '!';
	assert_int_equal(load(write_text(f, "a.pem", pem), "damaged"), 1);
	/* One bad file spoils a directory. */
	write_cert(f, "0.pem", f->maker->root);
	assert_int_equal(load(f->dir, "/a.pem: "), 1);
	X509_free(leaf);
	free(pem);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(cas_come_from_files_and_from_directories),
		T(what_is_no_ca_is_refused_by_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
