/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "credstore/export.h"
#include "credstore/key.h"
#include "pki.h"
#include "scratch.h"

#define TAG 42

struct pair {
	char *key, *certificate; /* PEM, owned */
	uint8_t spki_digest[32];
};

struct world {
	struct scratch *scratch;
	struct store *store;
	struct export_spec spec;
	struct pair pair;
	char directory[160], temporary[160];
	bool changed;
	char *detail; /* of the last call */
};

static void new_pair(struct pair *ret)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *spki = NULL;
	int len;

	free(ret->key);
	free(ret->certificate);
	PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	ret->key = pki_take_text(bio);
	ret->certificate = pki_issue(key, "test", key);
	len = i2d_PUBKEY(key, &spki);
	assert_int_equal(sha256(spki, (size_t)len, ret->spki_digest), 0);
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

static void put(struct world *w, enum credential_type type, const char *text)
{
	uint8_t digest[32];

	assert_int_equal(sha256(text, strlen(text), digest), 0);
	assert_int_equal(store_credential_put(w->store, TAG, type, text, strlen(text), digest), 0);
}

static void rotate(struct world *w)
{
	new_pair(&w->pair);
	put(w, CREDENTIAL_PRIVATE_KEY, w->pair.key);
	put(w, CREDENTIAL_CLIENT_CERT, w->pair.certificate);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	_cleanup_(freep) char *ca = pki_certificate();

	assert_non_null(w);
	scratch_setup((void **)&w->scratch);
	w->store = scratch_open(w->scratch);
	snprintf(w->directory, sizeof(w->directory), "%s/app", w->scratch->dir);
	snprintf(w->temporary, sizeof(w->temporary), "%s/.app.onboardd-new", w->scratch->dir);
	w->spec = (struct export_spec){
		.name = (char *)"app",
		.tag = TAG,
		.directory = w->directory,
		.files = {(char *)"ca.pem", (char *)"cert.pem", (char *)"key.pem"},
		.uri_file = (char *)"pkcs11.env",
		.owner = EXPORT_OWNER_ANY,
		.group = EXPORT_GROUP_ANY,
		.mode = 0640,
		.directory_mode = 0750,
	};
	put(w, CREDENTIAL_ROOT_CA, ca);
	rotate(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	scratch_teardown((void **)&w->scratch);
	free(w->pair.key);
	free(w->pair.certificate);
	free(w->detail);
	free(w);
	return 0;
}

static int load(struct world *w, struct export_set *set)
{
	free(w->detail);
	w->detail = NULL;
	return export_set_load(w->store, &w->spec, false, set, &w->detail);
}

static int export(struct world *w)
{
	_cleanup_(export_set_done) struct export_set set = {0};
	int r = load(w, &set);

	w->changed = false;
	return r != 0 ? r : export_apply(&w->spec, &set, &w->changed, &w->detail);
}

static void exports(struct world *w)
{
	int r = export(w);

	if (r != 0)
		fail_msg("%d %s", r, w->detail ? w->detail : "");
}

/* Fails with r, and says `word`. */
static void refuses(struct world *w, int r, const char *word)
{
	assert_int_equal(export(w), r);
	assert_false(w->changed);
	assert_non_null(w->detail);
	if (!strstr(w->detail, word))
		fail_msg("\"%s\" does not say \"%s\"", w->detail, word);
}

static const char *in(const char *directory, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static char *text_of(const struct world *w, const char *name)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	scratch_read(in(w->directory, name), &s);
	return strndup((char *)s.data, s.len);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void holds_the_pair(const struct world *w)
{
	_cleanup_(freep) char *certificate = text_of(w, "cert.pem"), *key = text_of(w, "key.pem");
	BIO *bio = BIO_new_mem_buf(key, -1);
	EVP_PKEY *parsed = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	unsigned char *spki = NULL;
	uint8_t digest[32];
	int len;

	assert_string_equal(certificate, w->pair.certificate);
	assert_non_null(parsed);
	len = i2d_PUBKEY(parsed, &spki);
	assert_int_equal(sha256(spki, (size_t)len, digest), 0);
	assert_memory_equal(digest, w->pair.spki_digest, sizeof(digest));
	OPENSSL_free(spki);
	EVP_PKEY_free(parsed);
	BIO_free(bio);
	assert_false(is_there(w->temporary));
}

/* ---- what is written */

static void the_first_export_makes_the_directory_with_safe_modes(void **state)
{
	struct world *w = *state;

	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);
	assert_int_equal(mode_of(w->directory), 0750);
	assert_int_equal(mode_of(in(w->directory, "ca.pem")), 0640);
	assert_int_equal(mode_of(in(w->directory, "cert.pem")), 0640);
	assert_int_equal(mode_of(in(w->directory, "key.pem")), 0640);
}

static void the_key_is_pkcs8_whatever_form_the_store_holds(void **state)
{
	struct world *w = *state;
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(freep) char *key = NULL;
	uint8_t spki[KEY_SPKI_MAX], digest[32];
	size_t len;
	EVP_PKEY *parsed;
	BIO *bio;

	w->spec.files[EXPORT_ROLE_CERTIFICATE] = NULL;
	assert_int_equal(key_generate(&k, &der), 0);
	assert_int_equal(key_spki(k, spki, &len), 0);
	assert_int_equal(sha256(spki, len, digest), 0);
	assert_int_equal(store_credential_put(w->store, TAG, CREDENTIAL_PRIVATE_KEY, der.data,
					      der.len, digest),
			 0);
	exports(w);
	key = text_of(w, "key.pem");
	assert_int_equal(strncmp(key, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
	bio = BIO_new_mem_buf(key, -1);
	parsed = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(parsed);
	EVP_PKEY_free(parsed);
	BIO_free(bio);
}

static void nothing_changed_nothing_is_touched(void **state)
{
	struct world *w = *state;
	ino_t inode;

	exports(w);
	inode = inode_of(w->directory);
	exports(w);
	assert_false(w->changed);
	assert_int_equal(inode_of(w->directory), inode);
}

static void a_rotation_replaces_the_whole_directory_and_removes_the_old_one(void **state)
{
	struct world *w = *state;
	ino_t inode;

	exports(w);
	inode = inode_of(w->directory);
	rotate(w);
	exports(w);
	assert_true(w->changed);
	assert_int_not_equal(inode_of(w->directory), inode);
	holds_the_pair(w);
}

static void files_that_are_named_no_more_go_with_the_old_directory(void **state)
{
	struct world *w = *state;

	exports(w);
	w->spec.files[EXPORT_ROLE_KEY] = (char *)"client.key";
	exports(w);
	assert_true(w->changed);
	assert_true(is_there(in(w->directory, "client.key")));
	assert_false(is_there(in(w->directory, "key.pem")));
}

static void a_psk_and_its_identity_are_exported_too(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *psk = NULL, *identity = NULL;

	put(w, CREDENTIAL_PSK, "00ff");
	put(w, CREDENTIAL_PSK_IDENTITY, "me");
	memset(w->spec.files, 0, sizeof(w->spec.files));
	w->spec.files[EXPORT_ROLE_PSK] = (char *)"psk";
	w->spec.files[EXPORT_ROLE_PSK_IDENTITY] = (char *)"psk-identity";
	exports(w);
	psk = text_of(w, "psk");
	identity = text_of(w, "psk-identity");
	assert_string_equal(psk, "00ff\n");
	assert_string_equal(identity, "me\n");
}

/* ---- a token's key */

static void put_uri(struct world *w, const char *uri)
{
	assert_int_equal(store_credential_put(w->store, TAG, CREDENTIAL_PRIVATE_KEY, uri,
					      strlen(uri), w->pair.spki_digest),
			 0);
}

static void a_key_in_a_token_is_told_as_its_uri_without_the_pin(void **state)
{
	static const struct {
		const char *uri, *line;
	} cases[] = {
		{"pkcs11:token=t;id=%01", "ONBOARD_KEY_URI=\"pkcs11:token=t;id=%01\"\n"},
		{"pkcs11:token=t?pin-value=1234", "ONBOARD_KEY_URI=\"pkcs11:token=t\"\n"},
		{"pkcs11:token=t?pin-source=/run/pin&module-path=/m.so",
		 "ONBOARD_KEY_URI=\"pkcs11:token=t?module-path=/m.so\"\n"},
		{"pkcs11:token=t?module-path=/m.so&pin-value=1234&module-name=m",
		 "ONBOARD_KEY_URI=\"pkcs11:token=t?module-path=/m.so&module-name=m\"\n"},
		{"pkcs11:object=$(reboot)`a`",
		 "ONBOARD_KEY_URI=\"pkcs11:object=\\$(reboot)\\`a\\`\"\n"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *env = NULL;

		put_uri(w, cases[i].uri);
		exports(w);
		env = text_of(w, "pkcs11.env");
		assert_string_equal(env, cases[i].line);
		assert_false(is_there(in(w->directory, "key.pem")));
		assert_null(strstr(env, "1234"));
	}
}

static void a_uri_that_could_end_the_line_is_refused(void **state)
{
	struct world *w = *state;

	put_uri(w, "pkcs11:token=a\nLD_PRELOAD=/tmp/x");
	refuses(w, -EINVAL, "cannot be exported");
}

static void a_token_key_is_matched_with_its_certificate_without_the_token(void **state)
{
	struct world *w = *state;
	struct pair other = {0};

	put_uri(w, "pkcs11:token=t");
	exports(w);
	new_pair(&other);
	put(w, CREDENTIAL_CLIENT_CERT, other.certificate);
	refuses(w, EXPORT_E_INCOMPLETE, "is not of its private key");
	free(other.key);
	free(other.certificate);
}

/* ---- never half of it */

static void a_tag_that_does_not_hold_all_of_it_leaves_what_is_there(void **state)
{
	static const enum credential_type types[] = {CREDENTIAL_ROOT_CA, CREDENTIAL_CLIENT_CERT,
						     CREDENTIAL_PRIVATE_KEY};
	struct world *w = *state;

	exports(w);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(store_begin(w->store), 0);
		assert_int_equal(store_credential_delete(w->store, TAG, types[i]), 0);
		refuses(w, EXPORT_E_INCOMPLETE, "tag 42 holds no ");
		store_rollback(w->store);
		holds_the_pair(w);
	}
}

static void a_new_key_waits_for_its_certificate(void **state)
{
	struct world *w = *state;
	struct pair next = {0};

	exports(w);
	new_pair(&next);
	put(w, CREDENTIAL_PRIVATE_KEY, next.key);
	refuses(w, EXPORT_E_INCOMPLETE, "is not of its private key");
	holds_the_pair(w);
	put(w, CREDENTIAL_CLIENT_CERT, next.certificate);
	exports(w);
	assert_true(w->changed);
	free(next.key);
	free(next.certificate);
}

/* ---- what is on the disk */

static void a_file_that_was_deleted_or_changed_is_restored(void **state)
{
	struct world *w = *state;

	exports(w);
	assert_int_equal(unlink(in(w->directory, "key.pem")), 0);
	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);

	scratch_write(in(w->directory, "cert.pem"), "x", 1);
	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);

	assert_int_equal(chmod(in(w->directory, "key.pem"), 0644), 0);
	exports(w);
	assert_true(w->changed);
	assert_int_equal(mode_of(in(w->directory, "key.pem")), 0640);

	assert_int_equal(chmod(w->directory, 0755), 0);
	exports(w);
	assert_true(w->changed);
	assert_int_equal(mode_of(w->directory), 0750);
}

static void a_symlink_in_place_of_a_file_is_replaced_and_not_followed(void **state)
{
	struct world *w = *state;
	char elsewhere[96];

	exports(w);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", w->scratch->dir);
	assert_int_equal(rename(in(w->directory, "key.pem"), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, in(w->directory, "key.pem")), 0);
	exports(w);
	assert_true(w->changed);
	assert_true(is_there(elsewhere));
	holds_the_pair(w);
}

static void a_symlink_in_place_of_the_directory_is_refused(void **state)
{
	struct world *w = *state;
	char elsewhere[96];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", w->scratch->dir);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	assert_int_equal(symlink(elsewhere, w->directory), 0);
	refuses(w, EXPORT_E_FOREIGN, "is no directory");
	assert_false(is_there(in(elsewhere, "key.pem")));
	assert_false(is_there(w->temporary));
}

static void a_file_in_place_of_the_directory_is_refused(void **state)
{
	struct world *w = *state;

	scratch_write(w->directory, "mine", 4);
	refuses(w, EXPORT_E_FOREIGN, "is no directory");
	assert_true(is_there(w->directory));
}

static void a_directory_with_anything_foreign_in_it_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir(w->directory, 0755), 0);
	scratch_write(in(w->directory, "server.key"), "mine", 4);
	refuses(w, EXPORT_E_FOREIGN, "holds 'server.key'");
	assert_true(is_there(in(w->directory, "server.key")));
	assert_false(is_there(w->temporary));
	assert_int_equal(unlink(in(w->directory, "server.key")), 0);
	exports(w);
	holds_the_pair(w);
}

static void a_foreign_file_stops_a_rotation_and_is_not_removed(void **state)
{
	struct world *w = *state;

	exports(w);
	assert_int_equal(mkdir(in(w->directory, "notes"), 0700), 0);
	exports(w);
	assert_false(w->changed);
	rotate(w);
	refuses(w, EXPORT_E_FOREIGN, "holds 'notes'");
	assert_true(is_there(in(w->directory, "notes")));
}

static void a_directory_of_another_user_is_refused(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(w->directory, 0755), 0);
	assert_int_equal(chown(w->directory, 12345, (gid_t)-1), 0);
	refuses(w, EXPORT_E_FOREIGN, "belongs to another user");
}

static void what_was_cut_off_is_removed_and_nothing_else(void **state)
{
	struct world *w = *state;

	/* Cut off in the middle of the first export. */
	assert_int_equal(mkdir(w->temporary, 0700), 0);
	scratch_write(in(w->temporary, ".onboardd"), "# M", 3);
	scratch_write(in(w->temporary, "key.pem"), "half", 4);
	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);

	/* Cut off after the exchange: the old one still has the second name. */
	assert_int_equal(mkdir(w->temporary, 0750), 0);
	scratch_write(in(w->temporary, ".onboardd"), "#\nolder.pem\n", 12);
	scratch_write(in(w->temporary, "older.pem"), "old", 3);
	exports(w);
	assert_false(w->changed);
	holds_the_pair(w);

	assert_int_equal(mkdir(w->temporary, 0700), 0);
	scratch_write(in(w->temporary, "thesis.txt"), "mine", 4);
	refuses(w, EXPORT_E_FOREIGN, "holds 'thesis.txt'");
	assert_true(is_there(in(w->temporary, "thesis.txt")));
}

static void a_symlink_under_the_temporary_name_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(symlink(w->scratch->state, w->temporary), 0);
	refuses(w, EXPORT_E_FOREIGN, "is no directory");
	assert_true(is_there(in(w->scratch->state, "store.db")));
}

/* ---- groups and owners */

static void files_get_the_owner_and_group_and_the_directory_the_group(void **state)
{
	struct world *w = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	w->spec.owner = 12345;
	w->spec.group = 23456;
	exports(w);
	assert_int_equal(stat(in(w->directory, "key.pem"), &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 23456);
	assert_int_equal(stat(w->directory, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 23456);
	exports(w);
	assert_false(w->changed);
	rotate(w);
	exports(w);
	assert_true(w->changed);
	assert_false(is_there(w->temporary));
}

/* In a child, as a user without privileges. The exit code is 0 when `run` did not fail. */
static int as_nobody(struct world *w, void (*run)(struct world *w))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(99);
		run(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 90 + 1);                                                  \
	} while (0)

/* Its contents are wiped in a child. */
static struct export_set loaded;

static void may_not_chown(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == -EPERM);
	CHECK(strstr(detail, "CAP_CHOWN"));
	CHECK(!changed && !is_there(w->directory) && !is_there(w->temporary));
}

static void may_not_write(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == -EACCES);
	CHECK(strstr(detail, "Permission denied"));
	CHECK(!changed && !is_there(w->directory));
}

static void a_group_that_is_not_ours_needs_a_capability(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	assert_int_equal(chmod(w->scratch->dir, 0777), 0);
	w->spec.group = 23456;
	assert_int_equal(as_nobody(w, may_not_chown), 0);
	export_set_done(&loaded);
}

static void a_parent_that_we_may_not_write_in_is_told(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	assert_int_equal(chmod(w->scratch->dir, 0755), 0);
	assert_int_equal(as_nobody(w, may_not_write), 0);
	export_set_done(&loaded);
}

static void a_parent_that_is_not_there_is_told(void **state)
{
	struct world *w = *state;

	snprintf(w->directory, sizeof(w->directory), "%s/no/app", w->scratch->dir);
	refuses(w, -ENOENT, "must be there");
}

/* ---- disks */

static void a_disk_that_fills_up_leaves_the_old_set(void **state)
{
	struct world *w = *state;
	struct rlimit old, tight = {.rlim_cur = 300};
	int r;

	exports(w);
	/* A file may not grow beyond this: the marker fits, a certificate does not. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	{
		struct pair before = w->pair;
		_cleanup_(export_set_done) struct export_set set = {0};

		w->pair = (struct pair){0};
		rotate(w);
		assert_int_equal(load(w, &set), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		r = export_apply(&w->spec, &set, &w->changed, &w->detail);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(r, -EFBIG);
		assert_false(w->changed);
		free(w->pair.key);
		free(w->pair.certificate);
		w->pair = before;
	}
	holds_the_pair(w);
}

static void on_a_small_disk(struct world *w)
{
	_cleanup_(freep) char *detail = NULL;
	bool changed;

	CHECK(export_apply(&w->spec, &loaded, &changed, &detail) == -ENOSPC);
	CHECK(strstr(detail, "No space left"));
	CHECK(!changed && !is_there(w->directory) && !is_there(w->temporary));
}

static void a_full_disk_leaves_nothing_behind(void **state)
{
	struct world *w = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(load(w, &loaded), 0);
	pid = fork();
	if (pid == 0) {
		char path[96];

		/* Two pages and three inodes, in a mount namespace of its own. */
		snprintf(path, sizeof(path), "%s/small", w->scratch->dir);
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(98);
		CHECK(mkdir(path, 0700) == 0);
		if (mount("small", path, "tmpfs", 0, "size=8k,mode=700") < 0)
			_exit(98);
		snprintf(w->directory, sizeof(w->directory), "%s/app", path);
		snprintf(w->temporary, sizeof(w->temporary), "%s/.app.onboardd-new", path);
		on_a_small_disk(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	export_set_done(&loaded);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 98)
		skip();
	assert_int_equal(status, 0);
}

/* ---- readers */

/* One file of the directory as it was when it was opened; NULL: gone. */
static char *read_at(int dir, const char *name)
{
	char text[4096];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 ? strndup(text, (size_t)n) : NULL;
}

static bool holds(const struct export_set *set, char *const read[])
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp((char *)set->files[i].content.data, read[i]) != 0)
			return false;
	return true;
}

/* 'a' or 'b', '-' when a file was gone, '!' for a mixture. */
static char look(const struct world *w, const struct export_set *a, const struct export_set *b)
{
	int dir = open(w->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *texts[EXPORT_FILES_MAX] = {NULL}, seen = '-';
	size_t n = 0;

	assert_true(dir >= 0);
	while (n < a->n && (texts[n] = read_at(dir, a->files[n].name)))
		n++;
	if (n == a->n)
		seen = holds(a, texts) ? 'a' : holds(b, texts) ? 'b' : '!';
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	close(dir);
	return seen;
}

struct rotor {
	const struct export_spec *spec;
	const struct export_set *a, *b;
	unsigned int n_changed;
	atomic_bool is_over;
};

/* A thread, not a process: secrets do not survive a fork. */
static void *swap_many_times(void *userdata)
{
	struct rotor *r = userdata;

	for (int i = 0; i < 200; i++) {
		_cleanup_(freep) char *detail = NULL;
		bool changed;

		if (export_apply(r->spec, i % 2 ? r->a : r->b, &changed, &detail) == 0)
			r->n_changed += changed;
	}
	r->is_over = true;
	return NULL;
}

static void a_reader_of_one_directory_never_sees_two_sets(void **state)
{
	struct world *w = *state;
	_cleanup_(export_set_done) struct export_set a = {0}, b = {0};
	struct rotor rotor = {.spec = &w->spec, .a = &a, .b = &b};
	unsigned int n[128] = {0};
	pthread_t thread;

	assert_int_equal(load(w, &a), 0);
	assert_int_equal(export_apply(&w->spec, &a, &w->changed, &w->detail), 0);
	rotate(w);
	assert_int_equal(load(w, &b), 0);
	assert_int_equal(pthread_create(&thread, NULL, swap_many_times, &rotor), 0);
	while (!rotor.is_over)
		n[(int)look(w, &a, &b)]++;
	assert_int_equal(pthread_join(thread, NULL), 0);
	print_message("%u and %u whole sets read, %u on their way out\n", n['a'], n['b'], n['-']);
	assert_int_equal(rotor.n_changed, 200);
	assert_int_equal(n['!'], 0);
	assert_true(n['a'] > 0 && n['b'] > 0);
}

#define EXPORT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXPORT_TEST(the_first_export_makes_the_directory_with_safe_modes),
		EXPORT_TEST(the_key_is_pkcs8_whatever_form_the_store_holds),
		EXPORT_TEST(nothing_changed_nothing_is_touched),
		EXPORT_TEST(a_rotation_replaces_the_whole_directory_and_removes_the_old_one),
		EXPORT_TEST(files_that_are_named_no_more_go_with_the_old_directory),
		EXPORT_TEST(a_psk_and_its_identity_are_exported_too),
		EXPORT_TEST(a_key_in_a_token_is_told_as_its_uri_without_the_pin),
		EXPORT_TEST(a_uri_that_could_end_the_line_is_refused),
		EXPORT_TEST(a_token_key_is_matched_with_its_certificate_without_the_token),
		EXPORT_TEST(a_tag_that_does_not_hold_all_of_it_leaves_what_is_there),
		EXPORT_TEST(a_new_key_waits_for_its_certificate),
		EXPORT_TEST(a_file_that_was_deleted_or_changed_is_restored),
		EXPORT_TEST(a_symlink_in_place_of_a_file_is_replaced_and_not_followed),
		EXPORT_TEST(a_symlink_in_place_of_the_directory_is_refused),
		EXPORT_TEST(a_file_in_place_of_the_directory_is_refused),
		EXPORT_TEST(a_directory_with_anything_foreign_in_it_is_refused),
		EXPORT_TEST(a_foreign_file_stops_a_rotation_and_is_not_removed),
		EXPORT_TEST(a_directory_of_another_user_is_refused),
		EXPORT_TEST(what_was_cut_off_is_removed_and_nothing_else),
		EXPORT_TEST(a_symlink_under_the_temporary_name_is_refused),
		EXPORT_TEST(files_get_the_owner_and_group_and_the_directory_the_group),
		EXPORT_TEST(a_group_that_is_not_ours_needs_a_capability),
		EXPORT_TEST(a_parent_that_we_may_not_write_in_is_told),
		EXPORT_TEST(a_parent_that_is_not_there_is_told),
		EXPORT_TEST(a_disk_that_fills_up_leaves_the_old_set),
		EXPORT_TEST(a_full_disk_leaves_nothing_behind),
		EXPORT_TEST(a_reader_of_one_directory_never_sees_two_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
