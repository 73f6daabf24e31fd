# SPDX-License-Identifier: GPL-2.0-or-later
SUMMARY = "Wall around a medical imaging device"
DESCRIPTION = "leadglass puts an imaging modality, or the gateway in front of \
it, behind an nftables wall: DICOM to and from the configured peers passes, \
everything else is dropped, in both directions."
SECTION = "net"
LICENSE = "GPL-2.0-or-later"
LIC_FILES_CHKSUM = "file://COPYING;md5=b234ee4d69f5fce4486a80fdaf4a4263"

DEPENDS = "libmnl libnftnl mbedtls"

inherit cmake pkgconfig externalsrc systemd update-rc.d useradd bash-completion

EXTERNALSRC = "${LEADGLASS_SOURCE}"

EXTRA_OECMAKE = "-DLEADGLASS_TESTS=OFF"

# As the Debian package's postinst does.
USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --user-group --no-create-home \
    --home-dir /nonexistent --shell /sbin/nologin leadglass"

# An image with leadglass in it has its wall: without a policy the closed one.
SYSTEMD_SERVICE:${PN} = "leadglassd.service"

# After the last of what mounts and makes /var, before anything of the network.
INITSCRIPT_NAME = "leadglassd"
INITSCRIPT_PARAMS = "start 39 S ."

do_install:append() {
    install -d ${D}${sysconfdir}/leadglass/trust
    install -D -m 0644 ${S}/firmware/package/default ${D}${sysconfdir}/default/leadglass
    install -d -m 0700 -o leadglass -g leadglass ${D}${localstatedir}/lib/leadglass
    if ${@bb.utils.contains('DISTRO_FEATURES', 'sysvinit', 'true', 'false', d)}; then
        install -D -m 0755 ${S}/firmware/package/leadglassd.busybox.init ${D}${sysconfdir}/init.d/leadglassd
    fi
}

FILES:${PN} += "${nonarch_libdir}/systemd ${nonarch_libdir}/sysusers.d ${nonarch_libdir}/tmpfiles.d"
CONFFILES:${PN} = "${sysconfdir}/default/leadglass"

# The start script is one of the S scripts.
RDEPENDS:${PN} += "${@bb.utils.contains('DISTRO_FEATURES', 'sysvinit', 'initscripts', '', d)}"
# Where the kernel has them as modules.
RRECOMMENDS:${PN} += "\
    kernel-module-nf-conntrack-bridge \
    kernel-module-nf-conntrack-netlink \
    kernel-module-nf-tables \
    kernel-module-nfnetlink-log \
    kernel-module-nft-ct \
    kernel-module-nft-fib-inet \
    kernel-module-nft-limit \
    kernel-module-nft-log \
"
