/* SPDX-License-Identifier: Apache-2.0 */

/* The description of the API, part of the program. */

#include "service/routes_private.h"

/* NOLINTNEXTLINE(hicpp-no-assembler) */
__asm__(".section .rodata\n"
	".global openapi_json_begin\n"
	".global openapi_json_end\n"
	"openapi_json_begin:\n"
	".incbin \"" OPENAPI_JSON "\"\n"
	"openapi_json_end:\n"
	".previous\n");

extern const char openapi_json_begin[], openapi_json_end[];

unsigned int routes_openapi(const struct router_call *call, struct answer *ret)
{
	(void)call;
	ret->bytes = openapi_json_begin;
	ret->len = (size_t)(openapi_json_end - openapi_json_begin);
	ret->type = "application/json";
	/* The same for everybody, and no secret: pages that show it come from other sites. */
	if (!answer_header(ret, "Cache-Control", "public, max-age=300"))
		return core_problem(500, &ret->json, "no memory");
	return 200;
}
