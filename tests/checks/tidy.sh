# The tree obeys its .clang-tidy. The path analyzer is nine tenths of that work: without ONBOARD_TIDY=all (scripts/test
# tidy-all) it looks at the files of the last commits and at what is not committed, the other checks at every file.
set -euo pipefail
recent_commits=25
database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT
# clang does not know gcc's sanitizer spelling of every flag, and its own warnings, which -Werror would have it show in
# spite of .clang-tidy, are not gcc's; what matters to it are includes and definitions.
sed -E 's/ -fsanitize=[^ ]+| -fno-sanitize-recover=[^ ]+| -Werror//g' "$ONBOARD_BUILD_DIR/compile_commands.json" \
	>"$database/compile_commands.json"
# Of two files for versions of a library one is built.
git ls-files '*.c' | grep -v '^tests/' | while read -r file; do
	! grep -qF "/$file\"" "$database/compile_commands.json" || echo "$file"
done | sort >"$database/all"
if [ "${ONBOARD_TIDY:-}" = all ]; then
	cp "$database/all" "$database/deep"
else
	{
		git log -n "$recent_commits" --name-only --pretty=format: -- '*.c'
		git diff --name-only HEAD -- '*.c'
	} | sort -u | comm -12 - "$database/all" >"$database/deep"
fi

tidy() { # LIST [OPTIONS...]
	xargs -r -a "$1" -P "$(nproc)" -n 4 clang-tidy --quiet -p "$database" "${@:2}" 2>/dev/null
}
tidy "$database/deep"
comm -23 "$database/all" "$database/deep" >"$database/shallow"
tidy "$database/shallow" '--checks=-clang-analyzer-*'
