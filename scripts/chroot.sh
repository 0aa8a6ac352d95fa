# shellcheck shell=bash
# A Debian in a folder: what scripts/try-clean and scripts/trixie share. To be sourced with set -euo pipefail. Mirrors, proxies
# and trusted CAs are those of this machine's own apt configuration.

# Runs the script that calls it anew as root of namespaces of its own: its mounts are seen by nobody else and end with it, as
# do all processes that it leaves. First in the script: chroot_isolate "$@"
chroot_isolate() {
	[ -z "${ONBOARD_ISOLATED:-}" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "$0: needs root, to make and enter a chroot" >&2
		exit 77
	fi
	ONBOARD_ISOLATED=yes exec unshare --mount --pid --fork --kill-child --propagation private -- "$0" "$@"
}

# A "deb URI SUITE COMPONENT" line for each Debian source of this machine, for the release SUITE instead of its own.
chroot_sources() { # SUITE
	local own
	own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v own="$own" -v suite="$1" '$2 ~ "^" own "(-|$)" && $3 == "main" { sub("^" own, suite, $2); print "deb", $1, $2, $3 }' |
		sort -u
}

# Makes ROOT unless it is there. It appears under its name when it is complete: half of one is never used.
chroot_make() { # ROOT SUITE PACKAGE...
	local root=$1 suite=$2 half=$1.half sources mirror file
	[ ! -e "$root/etc/debian_version" ] || return 0
	if [ -n "$(ls -A "$root" 2>/dev/null)" ]; then
		echo "$0: $root is neither empty nor a Debian" >&2
		exit 1
	fi
	sources=$(chroot_sources "$suite")
	mirror=$(awk -v suite="$suite" '$3 == suite { print $2; exit }' <<<"$sources")
	rm -rf --one-file-system "$half"
	debootstrap --variant=minbase --include=ca-certificates "$suite" "$half" "$mirror"
	printf '%s\n' "$sources" >"$half/etc/apt/sources.list"
	for file in /etc/apt/apt.conf.d/*proxy*; do
		[ ! -e "$file" ] || cp "$file" "$half/etc/apt/apt.conf.d/"
	done
	chroot "$half" apt-get -qq update
	chroot "$half" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${@:3}" >/dev/null
	mkdir -p "$root"
	rmdir "$root"
	mv "$half" "$root"
}

# Everything that a program expects of a machine is mounted there.
chroot_mount() { # ROOT
	local file
	# A mount point of its own, so that tests in it can have mounts that nobody else sees.
	mount --bind "$1" "$1"
	mount --make-private "$1"
	mount -t proc proc "$1/proc"
	mount --rbind /dev "$1/dev"
	mount --make-rslave "$1/dev"
	# systemd-journald, which tests start, looks for its control group.
	mount --rbind /sys "$1/sys"
	mount --make-rslave "$1/sys"
	cp /etc/resolv.conf "$1/etc/resolv.conf"
	# Whom this machine trusts besides Debian's CAs, npm trusts there.
	for file in /usr/local/share/ca-certificates/*.crt; do
		[ ! -e "$file" ] || cp "$file" "$1/usr/local/share/ca-certificates/"
	done
	chroot "$1" update-ca-certificates >/dev/null
}

# Runs a command there, in an environment of nothing but the NAME=VALUEs before it.
chroot_run() { # ROOT [NAME=VALUE...] COMMAND...
	chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb "${@:2}"
}
