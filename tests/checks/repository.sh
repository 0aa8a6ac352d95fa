# What must not be in the repository: private keys, package registries' hosts, places outside of it.
set -euo pipefail
status=0
refuse() { # WHAT PATTERN
	if git grep -nIE -e "$2" -- . ':!tests/checks/repository.sh'; then
		echo "^ $1"
		status=1
	fi
}
refuse "a private key" '^-----BEGIN [A-Z ]*PRIVATE KEY-----$'
refuse "a package registry's host" '(deb|security|snapshot)\.debian\.org|registry\.npmjs|pypi\.org|crates\.io'
refuse "a path outside the repository" '\.\./shared|/work/(main|shared|wt)'
while read -r file; do
	[ -x "$file" ] || {
		echo "$file: starts with #! but is not executable"
		status=1
	}
done < <(git grep -lIE '^#!/' -- scripts certs .ci tests/lab/kernel)
exit $status
