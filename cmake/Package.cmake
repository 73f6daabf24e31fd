# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package, by CPack: cmake --preset package && cmake --build --preset package && (cd build/package; cpack)
# leaves leadglass_VERSION_ARCHITECTURE.deb there. preset package-arm64 does the same for arm64.
set(folder ${PROJECT_SOURCE_DIR}/firmware/package)
set(made ${PROJECT_BINARY_DIR}/package)

# What is below /etc belongs to the package only: elsewhere it is the owner's.
install(PROGRAMS ${folder}/leadglassd.init DESTINATION /etc/init.d RENAME leadglassd)
install(FILES ${folder}/default DESTINATION /etc/default RENAME leadglass)
install(DIRECTORY DESTINATION /etc/leadglass)
install(DIRECTORY DESTINATION /etc/leadglass/trust) # empty: nobody asks for signatures until somebody is trusted
file(WRITE ${made}/conffiles "/etc/default/leadglass\n/etc/init.d/leadglassd\n")

# Debian wants manuals and the change log compressed, without a date inside.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH where that is set
set(maintainer "leadglass authors <leadglass@leadglass.invalid>" CACHE STRING "Maintainer of the package")
file(WRITE ${made}/changelog
	"leadglass (${PROJECT_VERSION}) bookworm; urgency=medium\n\n"
	"  * See the repository's history.\n\n"
	" -- ${maintainer}  ${date}\n")
find_program(GZIP gzip REQUIRED)
function(install_compressed file destination name)
	set(out ${made}/${name}.gz)
	add_custom_command(OUTPUT ${out} DEPENDS ${file}
		COMMAND ${GZIP} -9nc ${file} > ${out})
	string(MAKE_C_IDENTIFIER compressed-${name} target)
	add_custom_target(${target} ALL DEPENDS ${out})
	install(FILES ${out} DESTINATION ${destination})
endfunction()
foreach(manual IN LISTS manuals)
	string(REGEX MATCH "[0-9]$" section ${manual})
	install_compressed(${PROJECT_SOURCE_DIR}/docs/man/${manual} ${CMAKE_INSTALL_MANDIR}/man${section} ${manual})
endforeach()
install_compressed(${made}/changelog ${CMAKE_INSTALL_DOCDIR} changelog)
install(FILES ${folder}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME leadglass)
set(CPACK_PACKAGE_CONTACT ${maintainer})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "wall around a medical imaging device")
set(CPACK_PACKAGE_DESCRIPTION
"leadglass puts an imaging modality, or the gateway in front of it, behind an
nftables wall: DICOM to and from the configured peers passes, everything else
is dropped, in both directions. The policy is written in the words of a DICOM
conformance statement.

This package holds the command leadglass and the agent leadglassd, which puts
the wall up before the network and keeps it. Installing it starts nothing.")
set(CPACK_SET_DESTDIR ON) # for what is below /etc
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, sysvinit-utils (>= 3.05-4~)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS nftables)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
	${folder}/postinst ${folder}/prerm ${folder}/postrm ${made}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_CROSSCOMPILING)
	# dpkg-shlibdeps asks the machine's own package database, which knows nothing of these libraries.
	# tests/package compares this with what it says of a native build.
	string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS
		", libc6 (>= 2.34), libmbedcrypto7 (>= 2.28.0), libmbedx509-1 (>= 2.28.0), libmnl0 (>= 1.0.3-4~), libnftnl11 (>= 1.1.9)")
	set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${LEADGLASS_DEBIAN_ARCHITECTURE})
else()
	set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
