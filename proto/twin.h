/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a device asks over CoAP, as it asks it over HTTPS: the twin of each resource, code and
 * format. One table for both ends; docs/protocol.md §3.6. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct twin {
	uint8_t method;   /* CoAP's, RFC 7252 §12.1.1 and RFC 8132 */
	const char *path; /* CoAP's, without the first '/' */
	const char *http_method, *http_path;
	bool is_cloud; /* its token is signed with the cloud access key, not with the identity */
	bool is_login; /* of the others: the body over CoAP is the token, over HTTP there is none */
};

/* NULL when there is none. */
const struct twin *twin_find(uint8_t method, const char *path);
const struct twin *twin_find_http(const char *method, const char *path);
/* The login that stands before the others: of provisioning, or of the cloud. */
const struct twin *twin_login(bool is_cloud);

/* The status of an answer with this code (RFC 8075 §7). has_body: of 2.05, which is 204 without. */
unsigned int twin_status(uint8_t code, bool has_body);
/* The code that a status stands for in the answer to t; 0 for one that is no answer to it. A token
 * that was good for the login and is not any more is 4.01, as a session that ran out is. */
uint8_t twin_code(const struct twin *t, unsigned int status);

/* The media type of a Content-Format, NULL for one that has none here; and back (parameters are
 * ignored), -1 for none. */
const char *twin_media_type(int format);
int twin_format(const char *media_type);
