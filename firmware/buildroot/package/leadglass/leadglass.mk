################################################################################
#
# leadglass
#
################################################################################

# SPDX-License-Identifier: GPL-2.0-or-later

LEADGLASS_VERSION = 0.1.0
# This tree lies in leadglass's own sources, and builds those.
LEADGLASS_SITE = $(BR2_EXTERNAL_LEADGLASS_PATH)/../..
LEADGLASS_SITE_METHOD = local
LEADGLASS_LICENSE = GPL-2.0+
LEADGLASS_LICENSE_FILES = COPYING
LEADGLASS_DEPENDENCIES = host-pkgconf libmnl libnftnl mbedtls
LEADGLASS_CONF_OPTS = -DLEADGLASS_TESTS=OFF
# Not what somebody built there by hand.
LEADGLASS_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude /build

# As the Debian package's postinst does.
define LEADGLASS_USERS
	leadglass -1 leadglass -1 * - - - leadglass agent
endef

define LEADGLASS_PERMISSIONS
	/var/lib/leadglass d 700 leadglass leadglass - - - - -
endef

define LEADGLASS_INSTALL_FOLDERS
	$(INSTALL) -d -m 0755 $(TARGET_DIR)/etc/leadglass/trust
	$(INSTALL) -d -m 0700 $(TARGET_DIR)/var/lib/leadglass
	$(INSTALL) -D -m 0644 $(@D)/firmware/package/default \
		$(TARGET_DIR)/etc/default/leadglass
endef
LEADGLASS_POST_INSTALL_TARGET_HOOKS += LEADGLASS_INSTALL_FOLDERS

define LEADGLASS_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/firmware/package/leadglassd.busybox.init \
		$(TARGET_DIR)/etc/init.d/S30leadglassd
endef

# An agent that ends is started again: init does that.
ifeq ($(BR2_INIT_BUSYBOX),y)
LEADGLASS_RESPAWN = ::respawn:/etc/init.d/S30leadglassd run
else ifeq ($(BR2_INIT_SYSV),y)
LEADGLASS_RESPAWN = lg:2345:respawn:/etc/init.d/S30leadglassd run
endif

ifneq ($(LEADGLASS_RESPAWN),)
define LEADGLASS_ADD_RESPAWN
	grep -qF '$(LEADGLASS_RESPAWN)' $(TARGET_DIR)/etc/inittab || \
		echo '$(LEADGLASS_RESPAWN)' >> $(TARGET_DIR)/etc/inittab
endef
LEADGLASS_TARGET_FINALIZE_HOOKS += LEADGLASS_ADD_RESPAWN
endif

# What `leadglass probe` asks for; docs/adopting.md says what each is for.
define LEADGLASS_LINUX_CONFIG_FIXUPS
	$(call KCONFIG_ENABLE_OPT,CONFIG_INET)
	$(call KCONFIG_ENABLE_OPT,CONFIG_IPV6)
	$(call KCONFIG_ENABLE_OPT,CONFIG_UNIX)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NAMESPACES)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NET_NS)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_ADVANCED)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_NETLINK)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_NETLINK_LOG)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_CONNTRACK)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_CT_NETLINK)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_TABLES)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_TABLES_INET)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NFT_CT)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NFT_FIB_INET)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NFT_FIB_IPV4)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NFT_FIB_IPV6)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NFT_LIMIT)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NFT_LOG)
	$(call KCONFIG_ENABLE_OPT,CONFIG_SECCOMP)
	$(call KCONFIG_ENABLE_OPT,CONFIG_SECCOMP_FILTER)
	$(call KCONFIG_ENABLE_OPT,CONFIG_SECURITY)
	$(call KCONFIG_ENABLE_OPT,CONFIG_SECURITY_LANDLOCK)
	$(LEADGLASS_LINUX_CONFIG_FIXUPS_BRIDGE)
endef

ifeq ($(BR2_PACKAGE_LEADGLASS_BRIDGE),y)
define LEADGLASS_LINUX_CONFIG_FIXUPS_BRIDGE
	$(call KCONFIG_ENABLE_OPT,CONFIG_BRIDGE)
	$(call KCONFIG_DISABLE_OPT,CONFIG_BRIDGE_NETFILTER)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_TABLES_BRIDGE)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_CONNTRACK_BRIDGE)
endef
endif

$(eval $(cmake-package))
