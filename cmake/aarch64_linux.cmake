# 64-bit ARM built on another Debian machine and run by qemu's user mode. Libraries of that
# architecture come from the folder that scripts/arm64_packages fills, not from the system.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

cmake_path(SET jevons_root NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-packages)
# OpenSSL has headers of one architecture, where only the native compiler looks by itself.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${jevons_root}/usr/include/aarch64-linux-gnu")
set(CMAKE_FIND_ROOT_PATH ${jevons_root} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Headers without a library, as nlohmann's, are the same for every architecture.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(ENV{PKG_CONFIG_LIBDIR} ${jevons_root}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${jevons_root})
