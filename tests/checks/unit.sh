# The service's unit is one that systemd takes, shuts out what it can, and finds all that it names where it is installed.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
status=0
fail() {
	echo "$*"
	status=1
}

# As packages do: into a folder that becomes /.
DESTDIR=$root cmake -P "$ONBOARD_BUILD_DIR/service/cmake_install.cmake" >/dev/null
unit=$(find "$root" -path '*/systemd/system/onboard-service.service')
mkdir "$root/verify"
sed -E "s|^(ExecStart=)|\\1$root|" "$unit" >"$root/verify/onboard-service.service"
systemd-analyze verify --man=no "$root/verify/onboard-service.service" || fail "$unit: systemd does not take it"
exposure=$(systemd-analyze security --offline=yes "$unit" | sed -nE 's/.*exposure level for .*: ([0-9.]+) .*/\1/p')
echo "onboard-service.service: exposure level $exposure"
awk -v exposure="$exposure" 'BEGIN { exit !(exposure != "" && exposure <= 2.0) }' ||
	fail "the exposure level is above 2.0: systemd-analyze security --offline=yes $ONBOARD_BUILD_DIR/service/onboard-service.service"

# The file of settings is where the unit looks for it, has what the unit asks for, and is not overwritten.
settings=$root$(sed -n 's/^EnvironmentFile=//p' "$unit")
for name in $(sed -n '/^ExecStart=/,/[^\\]$/p' "$unit" | grep -oE '[$][{]?[A-Z_]+' | tr -dc 'A-Z_\n' | sort -u); do
	[ "$name" = STATE_DIRECTORY ] || grep -q "^$name=" "$settings" || fail "$settings: does not set $name, which the unit uses"
done
echo '# mine' >>"$settings"
DESTDIR=$root cmake -P "$ONBOARD_BUILD_DIR/service/cmake_install.cmake" >/dev/null
[ "$(tail -1 "$settings")" = '# mine' ] || fail "$settings: installing again overwrites it"

# Everything that the command line names is a flag of the program.
"$ONBOARD_BUILD_DIR/service/onboard-service" --help >"$root/help"
for flag in $(sed -n '/^ExecStart=/,/[^\\]$/p' "$unit" | grep -oE -- '--[a-z-]+'); do
	grep -q -- "$flag" "$root/help" || fail "$unit: uses $flag, which onboard-service does not have"
done
systemd-sysusers --root="$root" --dry-run "$(find "$root" -path '*sysusers.d/onboard-service.conf')" >/dev/null 2>&1 ||
	fail "packaging/systemd/onboard-service.sysusers: systemd does not take it"

# The completion offers verbs, then their flags.
complete_words() { # WORD...: what is offered for the last one
	PATH=$ONBOARD_BUILD_DIR/service:$PATH bash -c '
		. packaging/bash-completion/onboard-service
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_onboard_service && printf "%s\n" "${COMPREPLY[@]}"' bash onboard-service "$@"
}
complete_words '' | grep -x serve >/dev/null || fail "completion: does not offer the verb serve"
complete_words identity '' | grep -x import >/dev/null || fail "completion: does not offer identity import"
complete_words serve --co | grep -x -- --coap >/dev/null || fail "completion: does not offer serve --coap"
! complete_words apikey create -- | grep -x -- --coap >/dev/null || fail "completion: offers apikey create --coap"
exit $status
