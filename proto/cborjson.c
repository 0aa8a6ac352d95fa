/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cborjson.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cursor.h"
#include "proto/item.h"

static int value_decode(struct reader *r, unsigned int depth, json_t **ret);

static int array_decode(struct reader *r, uint64_t n, unsigned int depth, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *array = json_array();
	int k;

	if (!array)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		json_t *value;

		k = value_decode(r, depth, &value);
		if (k != 0)
			return k;
		if (json_array_append_new(array, value) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(array);
	return 0;
}

static int map_decode(struct reader *r, uint64_t n, unsigned int depth, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *object = json_object();
	int k;

	if (!object)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		const struct item key = item_next(r);
		json_t *value;

		if (!item_is_text(&key, 0, SIZE_MAX))
			return CBORJSON_E_SYNTAX;
		if (json_object_getn(object, (const char *)key.data, key.value))
			return CBORJSON_E_SYNTAX;
		k = value_decode(r, depth, &value);
		if (k != 0)
			return k;
		if (json_object_setn_new_nocheck(object, (const char *)key.data, key.value, value) <
		    0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(object);
	return 0;
}

static int put(json_t *value, json_t **ret)
{
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}

/* depth is how many arrays and maps may still nest. */
static int value_decode(struct reader *r, unsigned int depth, json_t **ret)
{
	const struct item i = item_next(r);

	switch (i.kind) {
	case ITEM_UINT:
		return i.value > INT64_MAX ? CBORJSON_E_SYNTAX
					   : put(json_integer((json_int_t)i.value), ret);
	case ITEM_NEGINT:
		return i.value > INT64_MAX ? CBORJSON_E_SYNTAX
					   : put(json_integer(-1 - (json_int_t)i.value), ret);
	case ITEM_TEXT:
		return !item_text_is_clean(i.data, i.value)
			       ? CBORJSON_E_SYNTAX
			       : put(json_stringn_nocheck((const char *)i.data, i.value), ret);
	case ITEM_ARRAY:
		return depth == 0 ? CBORJSON_E_SYNTAX : array_decode(r, i.value, depth - 1, ret);
	case ITEM_MAP:
		return depth == 0 ? CBORJSON_E_SYNTAX : map_decode(r, i.value, depth - 1, ret);
	case ITEM_BOOL:
		return put(json_boolean(i.value), ret);
	case ITEM_NULL:
		return put(json_null(), ret);
	case ITEM_FLOAT: /* JSON has no infinities and no NaN */
		return isfinite(i.real) ? put(json_real(i.real), ret) : CBORJSON_E_SYNTAX;
	case ITEM_BYTES:
	case ITEM_TAG:
	case ITEM_UNDEFINED:
	case ITEM_BAD:
		break;
	}
	return CBORJSON_E_SYNTAX;
}

int cborjson_decode(const uint8_t *data, size_t len, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *value = NULL;
	struct reader r;
	int k;

	reader_init(&r, data, len);
	k = value_decode(&r, CBORJSON_DEPTH_MAX, &value);
	if (k != 0)
		return k;
	if (!reader_done(&r))
		return CBORJSON_E_SYNTAX;
	*ret = TAKE_PTR(value);
	return 0;
}

static int text_encode(struct writer *w, const char *text, size_t len)
{
	if (!item_text_is_clean(text, len))
		return -EINVAL;
	item_write_text(w, text, len);
	return 0;
}

static int value_encode(struct writer *w, const json_t *value, unsigned int depth);

static int array_encode(struct writer *w, const json_t *array, unsigned int depth)
{
	const json_t *value;
	size_t i;
	int r;

	item_write_array(w, json_array_size(array));
	json_array_foreach(array, i, value)
	{
		r = value_encode(w, value, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int map_encode(struct writer *w, json_t *object, unsigned int depth)
{
	item_write_map(w, json_object_size(object));
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const char *name = json_object_iter_key(i);
		int r = text_encode(w, name, strlen(name));

		if (r == 0)
			r = value_encode(w, json_object_iter_value(i), depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int value_encode(struct writer *w, const json_t *value, unsigned int depth)
{
	json_int_t number;

	switch (json_typeof(value)) {
	case JSON_INTEGER:
		number = json_integer_value(value);
		if (number >= 0)
			item_write_uint(w, (uint64_t)number);
		else
			item_write_negint(w, (uint64_t)(-1 - number));
		return 0;
	case JSON_REAL:
		item_write_double(w, json_real_value(value));
		return 0;
	case JSON_STRING:
		return text_encode(w, json_string_value(value), json_string_length(value));
	case JSON_ARRAY:
		return depth == 0 ? -EINVAL : array_encode(w, value, depth - 1);
	case JSON_OBJECT:
		/* jansson's iterators take no const object, and change none. */
		return depth == 0 ? -EINVAL : map_encode(w, (json_t *)value, depth - 1);
	case JSON_TRUE:
	case JSON_FALSE:
		item_write_bool(w, json_is_true(value));
		return 0;
	case JSON_NULL:
		item_write_null(w);
		return 0;
	}
	return -EINVAL;
}

int cborjson_encode(const json_t *value, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct writer w;
	int r;

	if (!value)
		return -EINVAL;
	writer_init(&w, ret, size);
	r = value_encode(&w, value, CBORJSON_DEPTH_MAX);
	if (r < 0)
		return r;
	if (!writer_ok(&w))
		return -ENOBUFS;
	*ret_len = w.len;
	return 0;
}
