# The tree obeys its .clang-format.
set -euo pipefail
git ls-files -z '*.[ch]' | xargs -0 clang-format --dry-run -Werror
