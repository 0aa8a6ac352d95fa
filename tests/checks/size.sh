# A file over 900 lines has more than one idea in it; base/ stays a small leaf.
set -euo pipefail
status=0
for file in $(git ls-files '*.c' '*.h' '*.py' '*.sh'); do
	lines=$(wc -l <"$file")
	if [ "$lines" -gt 900 ]; then
		echo "$file: $lines lines"
		status=1
	fi
done
base=$(cat base/*.[ch] | wc -l)
if [ "$base" -gt 1600 ]; then
	echo "base/: $base lines, more than 1600"
	status=1
fi
exit $status
