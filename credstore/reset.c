/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/reset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "credstore/aside.h"
#include "credstore/db.h"
#include "credstore/files.h"
#include "credstore/identity.h"
#include "credstore/rekey.h"

#define ASKED "reset/asked" /* "<id> <parts>" */
#define WIPE "reset/wipe"   /* "<parts>" of one that is done but for the remains */
#define RECEIPT "reset/receipt"

/* Values that are neither an owner's nor of a network: who the device is, what time it has been,
 * and what the store keeps about itself. All others go with the credentials, also those that later
 * versions will have: what an owner set must not stay by oversight. */
#define IDENTITY_VALUES "('device-uuid', 'identity-key', 'identity-spki')"
#define IS_OF_STORE                                                                                \
	"(substr(name, 1, 6) IN ('store/', 'reset/') OR substr(name, 1, 8) = 'sealing/')"
#define IS_OF_NETWORK "(substr(name, 1, 5) = 'wifi/' OR substr(name, 1, 8) = 'network/')"

static const struct {
	enum reset_part part;
	const char *name;
} parts[RESET_N_PARTS] = {
	{RESET_NETWORK, "network"},
	{RESET_CREDENTIALS, "credentials"},
	{RESET_IDENTITY, "identity"},
};

const char *reset_part_name(enum reset_part part)
{
	for (size_t i = 0; i < RESET_N_PARTS; i++)
		if (parts[i].part == part)
			return parts[i].name;
	return "";
}

unsigned int reset_part_of(const char *name)
{
	for (size_t i = 0; i < RESET_N_PARTS; i++)
		if (strcmp(parts[i].name, name) == 0)
			return parts[i].part;
	return 0;
}

/* ---- what is asked for ---- */

/* "<id> <parts>" */
static int parse(const char *text, struct reset *ret)
{
	struct reset q = {0};
	uint64_t wanted;

	if (strspn(text, "0123456789abcdef") != RESET_ID_LEN || text[RESET_ID_LEN] != ' ')
		return -EUCLEAN;
	text += RESET_ID_LEN + 1;
	if (decimal_parse(text, strlen(text), UINT32_MAX, &wanted) != 0)
		return -EUCLEAN;
	memcpy(q.id, text - RESET_ID_LEN - 1, RESET_ID_LEN);
	q.parts = (unsigned int)wanted;
	*ret = q;
	return 0;
}

int reset_get(struct store *s, struct reset *ret)
{
	_cleanup_(freep) char *text = NULL;
	int r = store_value_get(s, ASKED, &text);

	return r == 0 ? parse(text, ret) : r;
}

int reset_ask(struct store *s, unsigned int wanted, struct reset *ret)
{
	char text[RESET_ID_LEN + 16];
	uint8_t id[RESET_ID_LEN / 2];
	struct reset q = {0};
	int r = reset_get(s, &q);

	if (r == -ENOENT) {
		random_fill(id, sizeof(id));
		hex_encode(id, sizeof(id), q.id);
	} else if (r != 0) {
		return r;
	}
	q.parts |= wanted;
	if (q.parts & RESET_IDENTITY)
		q.parts |= RESET_CREDENTIALS;
	snprintf(text, sizeof(text), "%s %u", q.id, q.parts);
	r = store_value_put(s, ASKED, text);
	if (r == 0)
		*ret = q;
	return r;
}

/* ---- forgetting ---- */

static int remove_rows(struct store *s, const char *sql, uint32_t tag, size_t *ret_n)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_prepare(s, sql, &statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, IDENTITY_TAG); /* where the statement asks for it */
	sqlite3_bind_int64(statement, 2, tag);
	r = store_run(s, statement);
	if (r == 0 && ret_n)
		*ret_n += (size_t)s->n_changed;
	return r;
}

static int forget_network(struct store *s, struct reset_counts *c)
{
	int r = remove_rows(s, "DELETE FROM secret WHERE " IS_OF_NETWORK, 0, &c->networks);

	return r == 0 ? remove_rows(s, "DELETE FROM value WHERE " IS_OF_NETWORK, 0, NULL) : r;
}

static int forget_credentials(struct store *s, uint32_t ca_tag, struct reset_counts *c)
{
	int r = remove_rows(s,
			    "DELETE FROM credential WHERE tag <> ?1"
			    " AND NOT (tag = ?2 AND type = 0)",
			    ca_tag, &c->credentials);

	if (r == 0)
		r = remove_rows(s, "DELETE FROM previous", 0, &c->predecessors);
	if (r == 0)
		r = remove_rows(s, "DELETE FROM journal", 0, &c->results);
	if (r == 0)
		r = remove_rows(s, "DELETE FROM value WHERE substr(name, 1, 7) = 'config/'", 0,
				&c->settings);
	if (r == 0)
		r = remove_rows(s,
				"DELETE FROM value WHERE name NOT IN " IDENTITY_VALUES
				" AND name <> 'time-floor' AND NOT " IS_OF_STORE
				" AND NOT " IS_OF_NETWORK,
				0, NULL);
	if (r == 0)
		r = remove_rows(
			s, "DELETE FROM secret WHERE NOT " IS_OF_STORE " AND NOT " IS_OF_NETWORK, 0,
			NULL);
	return r;
}

static int forget_identity(struct store *s)
{
	int r = remove_rows(s, "DELETE FROM credential WHERE tag = ?1", 0, NULL);

	return r == 0 ? remove_rows(s, "DELETE FROM value WHERE name IN " IDENTITY_VALUES, 0, NULL)
		      : r;
}

static int forget(struct store *s, const struct reset *q, uint32_t ca_tag, struct reset_counts *c)
{
	int r = 0;

	if (q->parts & RESET_NETWORK)
		r = forget_network(s, c);
	if (r == 0 && (q->parts & RESET_CREDENTIALS))
		r = forget_credentials(s, ca_tag, c);
	if (r == 0 && (q->parts & RESET_IDENTITY))
		r = forget_identity(s);
	return r;
}

/* What cannot be sealed anew is removed all the same, and the receipt tells. */
static int seal_anew(struct store *s, const struct store_files *f,
		     const struct store_options *options, struct reset_counts *c)
{
	int r = rekey(s, f, options, (enum sealing_source)s->seal_source, NULL);

	c->is_sealed_anew = r == 0;
	return r == STORE_E_SEALING_KEY || r == -ENOENT ? 0 : r;
}

static int leave_to_wipe(struct store *s, const struct reset *q)
{
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%u", q->parts);
	r = store_value_put(s, WIPE, text);
	return r == 0 ? store_value_delete(s, ASKED) : r;
}

int reset_forget(struct store *s, const char *dir, const struct store_options *options,
		 const struct reset *q, uint32_t ca_tag, reset_note_fn note, void *userdata)
{
	_cleanup_(secret_done) struct secret before = SECRET_INIT; /* the key, should it not last */
	struct reset_counts counts = {0};
	struct store_files files;
	int r = files_name(dir, &files);

	if (r < 0)
		return r;
	r = secret_alloc(&before, SEAL_KEY_LEN);
	if (r < 0)
		return r;
	memcpy(before.data, s->seal_key, SEAL_KEY_LEN);
	r = store_begin(s);
	if (r < 0)
		return r;
	r = forget(s, q, ca_tag, &counts);
	if (r == 0)
		r = seal_anew(s, &files, options, &counts);
	if (r == 0)
		r = note(s, q, &counts, userdata);
	if (r == 0)
		r = leave_to_wipe(s, q);
	s->has_remains = true;
	r = store_end(s, r);
	if (r != 0)
		memcpy(s->seal_key, before.data, SEAL_KEY_LEN);
	return r;
}

/* ---- the remains ---- */

/* Pages that moved may have left copies behind in others: only a data base that is written anew has
 * none. In memory meanwhile, not in a file that nobody wipes. */
static int write_anew(struct store *s)
{
	int r = db_exec(s->db, "PRAGMA temp_store = MEMORY; VACUUM");

	if (r < 0)
		return r;
	s->has_remains = true;
	store_wipe_remains(s);
	return s->has_remains ? -EIO : 0;
}

int reset_wipe(struct store *s, const char *dir, const struct store_options *options)
{
	_cleanup_(freep) char *text = NULL;
	struct store_files files;
	uint64_t done = 0;
	int r = store_value_get(s, WIPE, &text);

	if (r != 0)
		return r == -ENOENT ? 0 : r;
	r = files_name(dir, &files);
	if (r == 0)
		r = rekey_settle(s, &files, options);
	if (r == 0)
		r = write_anew(s);
	if (r == 0 && decimal_parse(text, strlen(text), UINT32_MAX, &done) == 0 &&
	    (done & RESET_CREDENTIALS))
		r = aside_wipe(&files);
	if (r < 0)
		return r;
	s->has_aside = s->has_aside && aside_exists(&files);
	return store_value_delete(s, WIPE);
}

bool reset_is_wiped(struct store *s)
{
	_cleanup_(freep) char *text = NULL;

	return store_value_get(s, WIPE, &text) == -ENOENT;
}

int reset_receipt_put(struct store *s, const char *text)
{
	return store_value_put(s, RECEIPT, text);
}

int reset_receipt_get(struct store *s, char **ret)
{
	return store_value_get(s, RECEIPT, ret);
}
