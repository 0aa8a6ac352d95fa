/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/token_uri.h"

#include <errno.h>
#include <p11-kit/uri.h>
#include <string.h>

#define FILE_SCHEME "file:"

struct token_uri {
	P11KitUri *uri;
	const char *pin_file; /* into uri */
};

DEFINE_CLEANUP(P11KitUri *, p11_kit_uri_free);

static int uri_error(int r)
{
	return r == P11_KIT_URI_NO_MEMORY ? -ENOMEM : -EINVAL;
}

/* pin-source is an absolute path or a file: URI of one (RFC 8089), never a command ("|…"). */
static int find_pin_file(struct token_uri *u)
{
	const char *source = p11_kit_uri_get_pin_source(u->uri);

	if (!source)
		return 0;
	if (strncasecmp(source, FILE_SCHEME, strlen(FILE_SCHEME)) == 0) {
		source += strlen(FILE_SCHEME);
		if (strncmp(source, "///", 3) == 0)
			source += 2;
	}
	if (source[0] != '/' || source[1] == '/' || source[1] == '\0')
		return -EINVAL;
	u->pin_file = source;
	return 0;
}

/* "type=private" goes without saying, and would not match the public half. */
static int drop_type(P11KitUri *uri)
{
	const CK_ATTRIBUTE *type = p11_kit_uri_get_attribute(uri, CKA_CLASS);
	CK_OBJECT_CLASS class;

	if (!type)
		return 0;
	if (type->ulValueLen != sizeof(class))
		return -EINVAL;
	memcpy(&class, type->pValue, sizeof(class));
	if (class != CKO_PRIVATE_KEY)
		return -EINVAL;
	p11_kit_uri_clear_attribute(uri, CKA_CLASS);
	return 0;
}

int token_uri_parse(const char *text, struct token_uri **ret)
{
	_cleanup_(token_uri_freep) struct token_uri *u = calloc(1, sizeof(*u));
	const char *module;
	int r;

	if (!u)
		return -ENOMEM;
	u->uri = p11_kit_uri_new();
	if (!u->uri)
		return -ENOMEM;
	r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, u->uri);
	if (r != P11_KIT_URI_OK)
		return uri_error(r);
	if (p11_kit_uri_any_unrecognized(u->uri) || p11_kit_uri_get_pin_value(u->uri) ||
	    p11_kit_uri_get_module_name(u->uri))
		return -EINVAL;
	module = token_uri_module(u);
	if (module && module[0] != '/')
		return -EINVAL;
	r = drop_type(u->uri);
	if (r == 0)
		r = find_pin_file(u);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}

struct token_uri *token_uri_free(struct token_uri *u)
{
	if (u)
		p11_kit_uri_free(u->uri);
	free(u);
	return NULL;
}

const char *token_uri_module(const struct token_uri *u)
{
	return p11_kit_uri_get_module_path(u->uri);
}

const char *token_uri_pin_file(const struct token_uri *u)
{
	return u->pin_file;
}

bool token_uri_matches_module(const struct token_uri *u, const CK_INFO *info)
{
	return p11_kit_uri_match_module_info(u->uri, info) == 1;
}

bool token_uri_matches_slot(const struct token_uri *u, CK_SLOT_ID slot, const CK_SLOT_INFO *info)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(u->uri);

	return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
	       p11_kit_uri_match_slot_info(u->uri, info) == 1;
}

bool token_uri_matches_token(const struct token_uri *u, const CK_TOKEN_INFO *info)
{
	return p11_kit_uri_match_token_info(u->uri, info) == 1;
}

static bool is_attribute(const CK_ATTRIBUTE *wanted, const uint8_t *value, size_t len)
{
	return !wanted || (wanted->ulValueLen == len && memcmp(wanted->pValue, value, len) == 0);
}

bool token_uri_matches_object(const struct token_uri *u, const struct token_name *name)
{
	return is_attribute(token_uri_label(u), name->label, name->label_len) &&
	       is_attribute(token_uri_id(u), name->id, name->id_len);
}

const CK_ATTRIBUTE *token_uri_label(const struct token_uri *u)
{
	return p11_kit_uri_get_attribute(u->uri, CKA_LABEL);
}

const CK_ATTRIBUTE *token_uri_id(const struct token_uri *u)
{
	return p11_kit_uri_get_attribute(u->uri, CKA_ID);
}

int token_uri_format(const struct token_uri *home, const CK_TOKEN_INFO *token,
		     const struct token_name *name, char **ret)
{
	_cleanup_(p11_kit_uri_freep) P11KitUri *uri = p11_kit_uri_new();
	CK_ATTRIBUTE id = {CKA_ID, (void *)name->id, name->id_len};
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)name->label, name->label_len};
	CK_TOKEN_INFO *info;
	const char *source;
	char *text;

	if (!uri)
		return -ENOMEM;
	info = p11_kit_uri_get_token_info(uri);
	memcpy(info->label, token->label, sizeof(info->label));
	memcpy(info->serialNumber, token->serialNumber, sizeof(info->serialNumber));
	if (name->id_len > 0 && p11_kit_uri_set_attribute(uri, &id) != P11_KIT_URI_OK)
		return -ENOMEM;
	if (name->label_len > 0 && p11_kit_uri_set_attribute(uri, &label) != P11_KIT_URI_OK)
		return -ENOMEM;
	if (token_uri_module(home))
		p11_kit_uri_set_module_path(uri, token_uri_module(home));
	source = p11_kit_uri_get_pin_source(home->uri);
	if (source)
		p11_kit_uri_set_pin_source(uri, source);
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK)
		return -ENOMEM;
	*ret = text;
	return 0;
}
