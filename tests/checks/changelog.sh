# CHANGELOG.md, debian/changelog and the build have the same versions, of the same days, and the newest first.
set -euo pipefail
status=0
ours=$(sed -nE 's/^## ([0-9][^ ]*) \(([0-9-]+)\)$/\1 \2/p' CHANGELOG.md)
theirs=$(awk '/^onboardd \(/ { version = $2; gsub(/[()]/, "", version) }
	/^ -- / { ("date -u +%F -d \"" substr($0, index($0, ">  ") + 3) "\"") | getline day; print version, day }' debian/changelog)
[ -n "$ours" ] || {
	echo "CHANGELOG.md: no heading '## VERSION (YYYY-MM-DD)'"
	status=1
}
diff <(echo "$ours") <(echo "$theirs") || {
	echo "CHANGELOG.md (<) and debian/changelog (>) differ"
	status=1
}
newest=${ours%% *}
built=$(sed -nE 's/^project\(onboardd VERSION ([^ ]+).*/\1/p' CMakeLists.txt)
[ "$newest" = "$built" ] || {
	echo "CMakeLists.txt builds version $built, CHANGELOG.md begins with $newest"
	status=1
}
while read -r version _; do
	awk -v version="$version" '$1 == "##" { inside = $2 == version; next } inside && NF { found = 1 } END { exit !found }' CHANGELOG.md || {
		echo "CHANGELOG.md: says nothing of $version"
		status=1
	}
done <<<"$ours"
exit $status
