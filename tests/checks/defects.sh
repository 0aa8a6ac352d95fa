# docs/defects.md says "yes" exactly where a test is named after the defect.
set -euo pipefail
status=0
tested=$(git grep -hoE 'defect_[0-9]{2}[a-z0-9_]*' -- tests | grep -oE '(defect|and)_[0-9]{2}' | grep -oE '[0-9]{2}' | sort -u)
while IFS='|' read -r _ number _ test _; do
	number=$(printf '%02d' "$((10#${number// /}))")
	if grep -qx "$number" <<<"$tested"; then found=yes; else found=—; fi
	if [ "${test// /}" != "$found" ]; then
		echo "docs/defects.md: defect $number says '${test// /}', tests say '$found'"
		status=1
	fi
done < <(grep -E '^\| [0-9]+ \|' docs/defects.md)
[ "$(grep -cE '^\| [0-9]+ \|' docs/defects.md)" -eq 39 ] || {
	echo "docs/defects.md: not 39 rows"
	status=1
}
exit $status
