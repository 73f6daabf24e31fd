# SPDX-License-Identifier: GPL-2.0-or-later
# What `cmake --install` puts where. The command goes where every user finds it: most of it needs no root.
include(GNUInstallDirs)
option(LEADGLASS_PACKAGE "install as a Debian package does: /etc, compressed manuals" OFF)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

install(TARGETS leadglass RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET leadglassd)
	install(TARGETS leadglassd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
install(FILES src/cli/leadglass.bash
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME leadglass)
install(DIRECTORY docs/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.conf")
install(FILES firmware/package/collector.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The unit, and what systemd makes a user and folders from: below /usr and /usr/local it looks for them alike.
configure_file(firmware/package/leadglassd.service.in package/leadglassd.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/leadglassd.service firmware/package/leadglassd-wait.service
	DESTINATION lib/systemd/system)
install(FILES firmware/package/leadglass.sysusers DESTINATION lib/sysusers.d RENAME leadglass.conf)
install(FILES firmware/package/leadglass.tmpfiles DESTINATION lib/tmpfiles.d RENAME leadglass.conf)

set(manuals leadglass.8 leadglass-probe.8 leadglass-prove.8 leadglass-report.8 leadglass-sign.8 leadglass-update.8 leadglassd.8 leadglass-json.5 leadglass-policy.5 leadglass-trust.5)
if(LEADGLASS_PACKAGE)
	include(Package)
else()
	install(FILES COPYING DESTINATION ${CMAKE_INSTALL_DOCDIR})
	foreach(manual IN LISTS manuals)
		string(REGEX MATCH "[0-9]$" section ${manual})
		install(FILES docs/man/${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	endforeach()
endif()
