/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/central/claimparts.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"

void claimparts_init(struct claimparts *p)
{
	secret_wipe(p, sizeof(*p));
}

int claimparts_add(struct claimparts *p, const struct wifi_claim *part)
{
	size_t n_read = p->n_read + 1;

	if (n_read > CLAIMPARTS_MAX)
		return -EBADMSG;
	/* Perhaps another token than the one that was begun. */
	if (part->token_offset == 0 || part->token_whole_len != p->whole_len)
		claimparts_init(p);
	p->n_read = n_read;
	p->whole_len = part->token_whole_len;
	if (part->token_offset == p->len && part->token_len <= CLAIM_TEXT_MAX - p->len) {
		memcpy(p->token + p->len, part->token, part->token_len);
		p->len += part->token_len;
	}
	return p->len < p->whole_len;
}
