# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody's kernel changes by this layer alone: DISTRO_FEATURES has to say leadglass.
FILESEXTRAPATHS:prepend := "${LEADGLASS_SOURCE}/firmware/kernel:"
SRC_URI:append = "${@bb.utils.contains('DISTRO_FEATURES', 'leadglass', ' file://leadglass.cfg file://leadglass-bridge.cfg', '', d)}"
