/* SPDX-License-Identifier: Apache-2.0 */
#include "session/https_curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* The ABI is the same; the second is the build with GnuTLS. */
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

#define SYMBOL(name)                                                                               \
	{                                                                                          \
		offsetof(struct https_curl, name), "curl_" #name                                   \
	}

static const struct {
	size_t offset;
	const char *name;
} symbols[] = {
	SYMBOL(global_init),         SYMBOL(easy_init),           SYMBOL(easy_cleanup),
	SYMBOL(easy_setopt),         SYMBOL(easy_getinfo),        SYMBOL(easy_strerror),
	SYMBOL(slist_append),        SYMBOL(slist_free_all),      SYMBOL(multi_init),
	SYMBOL(multi_cleanup),       SYMBOL(multi_setopt),        SYMBOL(multi_add_handle),
	SYMBOL(multi_remove_handle), SYMBOL(multi_socket_action), SYMBOL(multi_info_read),
};

int https_curl_load(struct https_curl *ret, const char **ret_why)
{
	struct https_curl curl;
	void *library = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !library; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	for (size_t i = 0; i < ARRAY_SIZE(symbols) && library; i++) {
		void *address = dlsym(library, symbols[i].name);

		if (!address)
			library = NULL;
		memcpy((char *)&curl + symbols[i].offset, &address, sizeof(address));
	}
	if (!library) {
		*ret_why = dlerror();
		if (!*ret_why)
			*ret_why = "libcurl is not there";
		return -ELIBACC;
	}
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		*ret_why = "libcurl cannot be used";
		return -ELIBACC;
	}
	*ret = curl;
	return 0;
}
