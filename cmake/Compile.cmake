# SPDX-License-Identifier: GPL-2.0-or-later
# How every C file is compiled. -Werror is in the presets, not here: a newer compiler's new warning is not to
# break somebody's build of a release.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_library(leadglass_compile INTERFACE)
target_compile_definitions(leadglass_compile INTERFACE _GNU_SOURCE LEADGLASS_VERSION="${PROJECT_VERSION}")
target_include_directories(leadglass_compile INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(leadglass_compile INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla -Wwrite-strings
	-Wpointer-arith -Wcast-align -Wformat=2 -Wundef -Wdate-time
	-fno-common -fstack-protector-strong -fPIE
	-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
	target_compile_options(leadglass_compile INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
	target_compile_options(leadglass_compile INTERFACE -fcf-protection)
endif()
target_link_options(leadglass_compile INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
# Programs for a box that has no libraries. Debian's archives of mbedTLS bring all it can: what is not called stays out.
option(LEADGLASS_STATIC "link programs statically (needs the archives of libmnl, libnftnl and mbedTLS)" OFF)
if(LEADGLASS_STATIC)
	set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
	target_compile_options(leadglass_compile INTERFACE -ffunction-sections -fdata-sections)
	target_link_options(leadglass_compile INTERFACE -static-pie -Wl,--gc-sections)
else()
	target_link_options(leadglass_compile INTERFACE -pie)
endif()

# The same, instrumented: unit tests are built a second time with it.
add_library(leadglass_sanitise INTERFACE)
target_compile_options(leadglass_sanitise INTERFACE
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
target_link_options(leadglass_sanitise INTERFACE -fsanitize=address,undefined)
