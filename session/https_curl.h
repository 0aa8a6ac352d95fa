/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* libcurl, loaded when HTTPS is needed for the first time: it and what it links to are larger than
 * all of the agent, and most devices never need it (docs/decisions/0029-second-transport.md). */

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/macros.h"

struct https_curl {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) easy_init;
	__typeof__(&curl_easy_cleanup) easy_cleanup;
	__typeof__(&curl_easy_setopt) easy_setopt;
	__typeof__(&curl_easy_getinfo) easy_getinfo;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_slist_append) slist_append;
	__typeof__(&curl_slist_free_all) slist_free_all;
	__typeof__(&curl_multi_init) multi_init;
	__typeof__(&curl_multi_cleanup) multi_cleanup;
	__typeof__(&curl_multi_setopt) multi_setopt;
	__typeof__(&curl_multi_add_handle) multi_add_handle;
	__typeof__(&curl_multi_remove_handle) multi_remove_handle;
	__typeof__(&curl_multi_socket_action) multi_socket_action;
	__typeof__(&curl_multi_info_read) multi_info_read;
};

/* Stays loaded. -ELIBACC: there is none that can be used, and *ret_why says it in a few words
 * (borrowed, valid until the next call). */
int https_curl_load(struct https_curl *ret, const char **ret_why) _must_check_;
