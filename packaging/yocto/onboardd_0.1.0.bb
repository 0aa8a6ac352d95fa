# SPDX-License-Identifier: Apache-2.0
# EXAMPLE of a recipe, for Yocto 4.0 (kirkstone) and later with systemd.
#
# Not run: it was never parsed or built by BitBake, nor its package installed on an image.
# Checked, on Debian 12, by the suite "package": that the build options below exist, that a build with them needs nothing
# beyond what DEPENDS names for it, and that it installs what FILES and SYSTEMD_SERVICE name.
# libcbor, libcoap, inih, p11-kit, libgpiod 1.x and qrencode are in meta-openembedded and oe-core, under these names when this was written.

SUMMARY = "Device onboarding agent"
DESCRIPTION = "Takes a Linux device from first power-on to trusted cloud access."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

SRC_URI = "git:///srv/sources/onboardd;protocol=file;branch=main"
SRCREV = "${AUTOREV}"
S = "${WORKDIR}/git"

DEPENDS = "curl inih jansson libcbor libcoap libgpiod mbedtls p11-kit protobuf-c protobuf-c-native qrencode sqlite3 systemd"

inherit cmake pkgconfig systemd useradd

EXTRA_OECMAKE = "\
    -DONBOARD_TESTS=OFF \
    -DONBOARD_SERVICE=OFF \
    -DONBOARD_HARDEN=ON \
    -DONBOARD_SMALL=ON \
    -DONBOARD_UNIT_DIR=${systemd_system_unitdir} \
"

do_install:append() {
    install -d ${D}${sysconfdir}/onboardd
    install -m 0644 ${S}/packaging/onboardd.conf ${D}${sysconfdir}/onboardd/
}

# Members of the group may use onboardctl.
USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --user-group --no-create-home --home-dir /var/lib/onboardd --shell /sbin/nologin onboardd"

SYSTEMD_SERVICE:${PN} = "onboardd.service"
# An image that has its configuration starts it at its first boot.
SYSTEMD_AUTO_ENABLE = "enable"

CONFFILES:${PN} = "${sysconfdir}/onboardd/onboardd.conf"
FILES:${PN} += "\
    ${datadir}/bash-completion ${datadir}/dbus-1 ${datadir}/onboardd ${datadir}/polkit-1 ${sysconfdir}/apparmor.d \
    ${libdir}/systemd/catalog ${libdir}/sysusers.d ${systemd_system_unitdir} \
"
RRECOMMENDS:${PN} += "dbus"
