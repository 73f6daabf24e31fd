# SPDX-License-Identifier: GPL-2.0-or-later
# What `cmake --install` puts where. The command goes where every user finds it: most of it needs no root.
include(GNUInstallDirs)
install(TARGETS leadglass RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/man/leadglass.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES docs/man/leadglass-policy.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES src/cli/leadglass.bash
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME leadglass)
install(DIRECTORY docs/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.conf")
install(FILES README.md COPYING DESTINATION ${CMAKE_INSTALL_DOCDIR})
