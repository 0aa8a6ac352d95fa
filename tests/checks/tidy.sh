# The tree obeys its .clang-tidy.
set -euo pipefail
database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT
# clang does not know gcc's sanitizer spelling of every flag; what matters to it are includes and definitions.
sed -E 's/ -fsanitize=[^ ]+| -fno-sanitize-recover=[^ ]+//g' "$ONBOARD_BUILD_DIR/compile_commands.json" \
	>"$database/compile_commands.json"
git ls-files '*.c' | grep -v '^tests/' |
	xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$database" 2>/dev/null
