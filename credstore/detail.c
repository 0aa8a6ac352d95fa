/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/detail.h"

#include <stdarg.h>
#include <stdio.h>

int detail_set(char **ret, int r, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (!ret)
		return r;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	free(*ret);
	*ret = text;
	return r;
}

void detail_make_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
		else if (*text < ' ' || *text > '~')
			*text = '?';
}

int detail_give(int r, char *detail, char **ret)
{
	if (ret)
		*ret = detail;
	else
		free(detail);
	return r;
}
