# SPDX-License-Identifier: GPL-2.0-or-later
# For arm64, with Debian's gcc-aarch64-linux-gnu. Its libraries: LEADGLASS_SYSROOT in the environment names a folder
# that holds an arm64 Debian's -dev packages (tests/package/arm64.py makes one with mmdebstrap, and nothing of the
# building machine changes); without it they are this machine's own, installed as libmnl-dev:arm64 and so on.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_STRIP aarch64-linux-gnu-strip)
set(LEADGLASS_DEBIAN_ARCHITECTURE arm64)
set(ENV{PKG_CONFIG_LIBDIR} $ENV{LEADGLASS_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
if(DEFINED ENV{LEADGLASS_SYSROOT})
	set(CMAKE_SYSROOT $ENV{LEADGLASS_SYSROOT})
	set(ENV{PKG_CONFIG_SYSROOT_DIR} $ENV{LEADGLASS_SYSROOT})
	set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
	set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
