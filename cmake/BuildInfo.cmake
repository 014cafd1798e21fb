# slopn::build_info: what this program was built from (libtunnel/base/build_info.hpp).
# The commit is looked up at build time, and nothing is compiled again while it stays the same.
include_guard()

set(SLOPN_BUILD_INFO_CPP "${CMAKE_BINARY_DIR}/generated/build_info.cpp")
add_custom_target(slopn_build_info_source
  COMMAND ${CMAKE_COMMAND}
    -D "TEMPLATE=${PROJECT_SOURCE_DIR}/cmake/build_info.cpp.in"
    -D "OUTPUT=${SLOPN_BUILD_INFO_CPP}"
    -D "SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    -D "LOCK_FILE=${SLOPN_DEPS_DIR}/deps.lock"
    -D "VERSION=${PROJECT_VERSION}"
    -D "TLS_NAME=${SLOPN_TLS_NAME}" -D "TLS_VERSION=${SLOPN_TLS_VERSION}"
    -D "NGTCP2_VERSION=${SLOPN_NGTCP2_VERSION}" -D "NGHTTP3_VERSION=${SLOPN_NGHTTP3_VERSION}"
    -D "COMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    -D "BUILD_TYPE=${CMAKE_BUILD_TYPE}" -D "SANITIZE=${SLOPN_SANITIZE}"
    -P "${PROJECT_SOURCE_DIR}/cmake/WriteBuildInfo.cmake"
  BYPRODUCTS "${SLOPN_BUILD_INFO_CPP}"
  COMMENT "Looking up the commit"
  VERBATIM)

slopn_library(build_info SOURCES "${SLOPN_BUILD_INFO_CPP}")
add_dependencies(slopn_build_info slopn_build_info_source)
