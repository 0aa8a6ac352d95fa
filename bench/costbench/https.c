/* SPDX-License-Identifier: Apache-2.0 */

/* costs-https URL ADDRESS CA.pem PAYLOAD: the same three requests over HTTPS with TLS 1.3, in the
 * form that suits it best: libcurl, one connection that stays open through the gap. "gap" is
 * printed and a line awaited between the second and the third. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

static size_t swallow(char *data, size_t size, size_t n, void *userdata)
{
	(void)data;
	(void)userdata;
	return size * n;
}

static CURLcode ask(CURL *curl, const char *base, const char *path, const char *payload)
{
	char url[512];

	snprintf(url, sizeof(url), "%s/%s", base, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (payload)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, payload);
	else
		curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	return curl_easy_perform(curl);
}

int main(int argc, char **argv)
{
	struct curl_slist *resolve;
	CURLcode r;
	CURL *curl;

	if (argc != 5) {
		fprintf(stderr, "usage: costs-https URL NAME:PORT:ADDRESS CA.pem PAYLOAD\n");
		return 64;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	curl = curl_easy_init();
	resolve = curl_slist_append(NULL, argv[2]);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve);
	curl_easy_setopt(curl, CURLOPT_CAINFO, argv[3]);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow);
	r = ask(curl, argv[1], "auth", argv[4]);
	if (r == CURLE_OK)
		r = ask(curl, argv[1], "cmd", NULL);
	if (r == CURLE_OK) {
		printf("gap\n");
		fflush(stdout);
		if (getchar() == EOF)
			return 1;
		r = ask(curl, argv[1], "rsp", argv[4]);
	}
	if (r != CURLE_OK)
		fprintf(stderr, "failed: %s\n", curl_easy_strerror(r));
	curl_easy_cleanup(curl);
	curl_slist_free_all(resolve);
	curl_global_cleanup();
	return r == CURLE_OK ? 0 : 1;
}
