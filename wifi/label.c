/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "proto/wifi/wifi.h"

static bool is_code(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] < ' ' || data[i] > '~')
			return false;
	return len >= LABEL_CODE_MIN && len <= WIFI_LABEL_CODE_MAX;
}

static int explain(char **ret_detail, int r, const char *path, const char *what)
{
	if (ret_detail && asprintf(ret_detail, "%s: %s (`label-file` in [wifi])", path, what) < 0)
		*ret_detail = NULL;
	return r;
}

int label_read(const char *path, struct secret *ret, char **ret_detail)
{
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	size_t len;
	int r = file_read(path, WIFI_LABEL_CODE_MAX + 2, &file);

	if (r == -EFBIG)
		return explain(ret_detail, -EINVAL, path, "too long for the code on a label");
	if (r < 0)
		return explain(ret_detail, r, path, strerror(-r));
	len = file.len;
	while (len > 0 && (file.data[len - 1] == '\n' || file.data[len - 1] == '\r'))
		len--;
	if (!is_code(file.data, len))
		return explain(ret_detail, -EINVAL, path,
			       "not one line of 6 to 32 printable characters");
	return secret_set(ret, file.data, len);
}
