# Shell scripts are clean under shellcheck.
set -euo pipefail
git grep -lIE '^#!/usr/bin/env bash' -- scripts certs .ci packaging bench tests/lab tests/vm | xargs -r shellcheck
git ls-files 'tests/checks/*.sh' | xargs -r shellcheck -s bash -e SC2013,SC2046,SC2086
git ls-files 'debian/*.p*' 'packaging/openwrt/files/*.init' | xargs -r shellcheck -s sh
