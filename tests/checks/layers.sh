# The arrows between the folders, and the owner of each third-party library. Drawn in docs/architecture.md.
set -euo pipefail
status=0

# folder: the folders whose headers it may include, besides its own
declare -A may=(
	[base]=""
	[proto]="base"
	[session]="base proto"
	[discovery]="base proto session"
	[credstore]="base proto"
	[provisioning]="base proto session credstore"
	[cloud]="base proto session credstore provisioning"
	[wifi]="base proto credstore"
	[agent]="base proto session credstore provisioning cloud discovery wifi"
	[service]="base proto"
)
for folder in "${!may[@]}"; do
	while IFS=: read -r file line text; do
		[ -n "$file" ] || continue
		included=${text#*\"} included=${included%%/*}
		case " $folder ${may[$folder]} " in
		*" $included "*) ;;
		*)
			echo "$file:$line: $folder/ may not include $included/ (allowed: ${may[$folder]:-nothing})"
			status=1
			;;
		esac
	done < <(grep -rnE '^#include "[a-z]+/' "$folder" --include='*.c' --include='*.h')
done

# Includes are written from the root of the tree.
if grep -rnE '^#include "[^/"]+"' base proto session discovery credstore provisioning cloud wifi agent service \
	--include='*.c' --include='*.h'; then
	echo "^ includes are written from the root"
	status=1
fi

# header pattern: the only places that may include it
owners() { # PATTERN PLACE-REGEX
	local found
	found=$(grep -rlE "^#include <$1" base proto session discovery credstore provisioning cloud wifi agent service \
		--include='*.c' --include='*.h' | grep -Ev "^($2)" || true)
	if [ -n "$found" ]; then
		echo "<$1…> belongs to $2, but is included by:" $found
		status=1
	fi
}
owners mbedtls/ 'session/|credstore/|discovery/echo'
owners coap3/ 'session/message\.|service/(device_front|device_pdu|coap_deaf|coap_dtls)\.'
owners cbor 'proto/'
owners sqlite3 'credstore/|service/store/'
owners libpq 'service/store/'
owners openssl/ 'service/(crypto|certfile|coap_dtls)'
owners microhttpd 'service/(owner_front|ops_front|http_loop)'
owners csv\.h 'service/rows'
owners curl/ 'cloud/(claim|portal)\.|session/https_'
owners ini\\.h 'agent/config'
owners qrencode 'agent/qr'
owners p11-kit/ 'credstore/(token|key)'
owners protobuf-c 'proto/wifi/'
owners gpiod 'wifi/button_line'

# One door for the agent's state, and one for the link's.
if grep -rnE --include='*.c' -e '(->|\.)state = (FSM_)?STATE_' agent | grep -Ev '^agent/fsm\.c'; then
	echo "^ only agent/fsm.c assigns the state"
	status=1
fi
if grep -rnE --include='*.c' -e '(->|\.)state = LINKFSM_STATE_' wifi | grep -Ev '^wifi/linkfsm\.c'; then
	echo "^ only wifi/linkfsm.c assigns the state of the link"
	status=1
fi
# An int function never says "return false": 0 would read as success.
if ! awk '
	FNR == 1 { ret = "" }
	/^(static )?(inline )?bool / { ret = "bool" }
	/^(static )?(inline )?int / { ret = "int" }
	/^\}/ { ret = "" }
	ret == "int" && /return (false|true);/ { print FILENAME ":" FNR ": return of a bool in an int function"; bad = 1 }
	END { exit bad }
' $(git ls-files '*.c'); then
	status=1
fi
exit $status
