# Every header compiles alone.
set -euo pipefail
status=0
read -ra includes < <(pkg-config --cflags p11-kit-1 libpq)
for header in $(git ls-files '*.h' | grep -v '^tests/'); do
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -I. "${includes[@]}" -fsyntax-only -x c \
		-include "$header" /dev/null || status=1
	grep -q '^#pragma once' "$header" || {
		echo "$header: no #pragma once"
		status=1
	}
done
for file in $(git ls-files '*.[ch]'); do
	head -2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || {
		echo "$file: no SPDX line"
		status=1
	}
done
exit $status
