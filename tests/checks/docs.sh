# Every verb, flag, config key, D-Bus member and exit code that exists is documented, and the other way round.
set -euo pipefail
status=0
need() { # WHERE WORD WHAT
	grep -qF -e "$2" "$1" || {
		echo "$1: $3 '$2' is not documented"
		status=1
	}
}
plain() { # MAN PAGE: its text without formatting
	mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g'
}
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
for page in onboardd.8 onboardctl.1 onboardd.conf.5 onboard-service.8; do
	mandoc -T lint -W error "man/$page" || status=1
	plain "man/$page" >"$pages/$page"
done

bin=$ONBOARD_BUILD_DIR
flags() { "$@" --help 2>&1 | grep -oE -- '(^|[ [])--[a-z][a-z-]+' | tr -d ' [' | sort -u; }

for flag in $(flags "$bin/agent/onboardd"); do need "$pages/onboardd.8" "$flag" flag; done
for flag in $(flags "$bin/agent/cli/onboardctl"); do need "$pages/onboardctl.1" "$flag" flag; done
for flag in $(flags "$bin/service/onboard-service"); do need "$pages/onboard-service.8" "$flag" flag; done
# A flag in a page exists in the program.
for pair in onboardd.8:agent/onboardd onboardctl.1:agent/cli/onboardctl onboard-service.8:service/onboard-service; do
	"$bin/${pair#*:}" --help >"$pages/help" 2>&1
	for flag in $(grep -oE -- '--[a-z][a-z-]+' "$pages/${pair%%:*}" | sort -u); do
		need "$pages/help" "$flag" "flag of ${pair%%:*}"
	done
done
for verb in agent/cli/verb_*.c; do
	verb=${verb##*/verb_} verb=${verb%.c} verb=${verb//_/-}
	need "$pages/onboardctl.1" "$verb" verb
	need packaging/bash-completion/onboardctl "$verb" verb
done
for key in $("$bin/agent/list-config-keys"); do
	need "$pages/onboardd.conf.5" "${key#*.}" "key of [${key%%.*}]"
done
for member in $(grep -ohE 'SD_BUS_(PROPERTY|METHOD[A-Z_]*|SIGNAL[A-Z_]*)\("[A-Za-z]+"' agent/bus*.c | grep -oE '"[A-Za-z]+"' | tr -d '"'); do
	need docs/dbus-api.md "\`$member\`" "D-Bus member"
done
# Every file and folder that the tables of architecture.md name exists, unless it is announced for later.
# shellcheck disable=SC2016 # the backquotes are Markdown's
named='`[a-z]+/[A-Za-z0-9_./-]*`|[|,] [a-z]+/[a-z_/]*(\.c)?'
for path in $(grep -v '| later |' docs/architecture.md | grep -oE "$named" | tr -d '`|, '); do
	[ -e "$path" ] || [ -e "$path.c" ] || {
		echo "docs/architecture.md: names $path, which does not exist"
		status=1
	}
done
# Links between documents lead somewhere.
for doc in *.md $(git ls-files 'docs/*.md'); do
	for target in $(grep -oE '\]\([^)#:]+' "$doc" | cut -c3-); do
		[ -e "$(dirname "$doc")/$target" ] || {
			echo "$doc: link to $target, which does not exist"
			status=1
		}
	done
done
exit $status
