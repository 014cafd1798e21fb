# The libraries slopn uses, as imported targets:
#
#   Boost::headers             1.88 or newer          spdlog::spdlog
#   slopn::tls                 TLS, BoringSSL's API   tomlplusplus::tomlplusplus
#   slopn::ngtcp2              with its TLS glue      CLI11::CLI11
#   slopn::nghttp3                                    slopn::grpc      grpc++_unsecure, protobuf
#   Catch2::Catch2WithMain     3.x, tests only        slopn::nftables  libnftables
#   Threads::Threads                                  slopn::mnl       libmnl
#                                                     slopn::qrencode  libqrencode
#                                                     slopn::systemd   libsystemd (sd-bus)
#
# Below build/deps (SLOPN_DEPS_DIR) if packaging/bootstrap.sh made it; from the system otherwise.
# Programs for proto/: SLOPN_PROTOC and SLOPN_GRPC_CPP_PLUGIN.
include_guard()

set(SLOPN_HAVE_DEPS FALSE)
if(EXISTS "${SLOPN_DEPS_DIR}/deps.lock")
  set(SLOPN_HAVE_DEPS TRUE)
elseif(EXISTS /etc/debian_version)
  message(FATAL_ERROR "There is no ${SLOPN_DEPS_DIR}/deps.lock. Run packaging/bootstrap.sh first: "
    "it fetches the libraries that Debian's own suite does not have.")
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# slopn_pkg(<name> <pkg-config module>...): slopn::<name> from pkg-config.
function(slopn_pkg name)
  pkg_check_modules(slopn_pkg_${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  add_library(slopn::${name} ALIAS PkgConfig::slopn_pkg_${name})
endfunction()

# slopn_static(<target> <library file> <include folder>)
function(slopn_static target library include_dir)
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION "${library}" INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
endfunction()

# ---- Boost, Catch2 -------------------------------------------------------------------------

if(SLOPN_HAVE_DEPS)
  # Only headers are used, so the package's CMake files are not needed.
  add_library(Boost::headers INTERFACE IMPORTED GLOBAL)
  target_include_directories(Boost::headers SYSTEM INTERFACE "${SLOPN_DEPS_DIR}/root/usr/include")
  list(PREPEND CMAKE_PREFIX_PATH "${SLOPN_DEPS_DIR}/root/usr")
else()
  find_package(Boost 1.88 REQUIRED)
endif()
target_compile_definitions(Boost::headers INTERFACE BOOST_ASIO_NO_DEPRECATED)

if(SLOPN_BUILD_TESTS)
  find_package(Catch2 3.4 REQUIRED CONFIG)
endif()

# ---- QUIC, HTTP/3, TLS ---------------------------------------------------------------------

include(TlsLibrary)
include(QuicLibraries)

# ---- Everything else -----------------------------------------------------------------------

find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
include(GrpcLibrary)
slopn_pkg(nftables libnftables)
slopn_pkg(mnl libmnl)
slopn_pkg(qrencode libqrencode)
slopn_pkg(systemd libsystemd)
find_program(SLOPN_PROTOC protoc REQUIRED)
find_program(SLOPN_GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# pkg-config names many libraries of which only some are called.
add_link_options(LINKER:--as-needed)
