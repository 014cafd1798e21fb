# slopn::tls: a static library with BoringSSL's API, as SLOPN_TLS says.
#
#   auto       a BoringSSL with X25519MLKEM768 (SLOPN_BORINGSSL_ROOT, CMAKE_PREFIX_PATH, the
#              system), otherwise AWS-LC
#   boringssl  that BoringSSL, otherwise the older snapshot that Debian carries
#   aws-lc     AWS-LC
#
# Sets SLOPN_TLS_NAME and SLOPN_TLS_VERSION for `slopnd --version`.
include_guard()

# Looks for include/openssl/base.h (OpenSSL has no such file) and the static libraries.
function(slopn_find_tls prefix)
  find_path(${prefix}_INCLUDE openssl/base.h ${ARGN})
  find_library(${prefix}_SSL NAMES libssl.a PATH_SUFFIXES lib ssl build/ssl build ${ARGN})
  find_library(${prefix}_CRYPTO NAMES libcrypto.a PATH_SUFFIXES lib crypto build/crypto build ${ARGN})
  mark_as_advanced(${prefix}_INCLUDE ${prefix}_SSL ${prefix}_CRYPTO)
  set(complete FALSE)
  if(${prefix}_INCLUDE AND ${prefix}_SSL AND ${prefix}_CRYPTO)
    set(complete TRUE)
    file(STRINGS "${${prefix}_INCLUDE}/openssl/base.h" aws_lc REGEX "AWSLC_VERSION_NUMBER_STRING \"")
    file(STRINGS "${${prefix}_INCLUDE}/openssl/base.h" api REGEX "define BORINGSSL_API_VERSION")
    file(STRINGS "${${prefix}_INCLUDE}/openssl/ssl.h" mlkem REGEX "define SSL_GROUP_X25519_MLKEM768")
    if(aws_lc)
      set(${prefix}_NAME AWS-LC PARENT_SCOPE)
      string(REGEX REPLACE ".*\"(.*)\".*" "\\1" version "${aws_lc}")
    else()
      set(${prefix}_NAME BoringSSL PARENT_SCOPE)
      string(REGEX REPLACE ".*VERSION +" "API " version "${api}")
    endif()
    set(${prefix}_VERSION "${version}" PARENT_SCOPE)
    set(${prefix}_MLKEM "${mlkem}" PARENT_SCOPE)
  endif()
  set(${prefix}_FOUND ${complete} PARENT_SCOPE)
endfunction()

set(chosen "")
if(NOT SLOPN_TLS MATCHES "^(auto|boringssl|aws-lc)$")
  message(FATAL_ERROR "SLOPN_TLS=${SLOPN_TLS}: it must be auto, boringssl or aws-lc")
endif()

if(NOT SLOPN_TLS STREQUAL "aws-lc")
  if(SLOPN_BORINGSSL_ROOT)
    slopn_find_tls(slopn_own_boringssl PATHS "${SLOPN_BORINGSSL_ROOT}" "${SLOPN_BORINGSSL_ROOT}/install"
      PATH_SUFFIXES include NO_DEFAULT_PATH)
    if(NOT slopn_own_boringssl_FOUND)
      message(FATAL_ERROR "SLOPN_BORINGSSL_ROOT=${SLOPN_BORINGSSL_ROOT} has no "
        "include/openssl/base.h, libssl.a and libcrypto.a")
    endif()
  else()
    slopn_find_tls(slopn_own_boringssl)
  endif()
  if(slopn_own_boringssl_FOUND AND slopn_own_boringssl_NAME STREQUAL "BoringSSL"
      AND (slopn_own_boringssl_MLKEM OR SLOPN_TLS STREQUAL "boringssl"))
    set(chosen slopn_own_boringssl)
  endif()
endif()

if(NOT chosen AND NOT SLOPN_TLS STREQUAL "boringssl")
  slopn_find_tls(slopn_aws_lc PATHS "${SLOPN_DEPS_DIR}/aws-lc" /usr/lib/aws-lc /opt/aws-lc
    PATH_SUFFIXES include NO_DEFAULT_PATH)
  if(NOT slopn_aws_lc_FOUND)
    slopn_find_tls(slopn_aws_lc)
  endif()
  if(slopn_aws_lc_FOUND AND slopn_aws_lc_NAME STREQUAL "AWS-LC")
    set(chosen slopn_aws_lc)
  endif()
endif()

if(NOT chosen AND NOT SLOPN_TLS STREQUAL "aws-lc")
  slopn_find_tls(slopn_debian_boringssl PATHS "${SLOPN_DEPS_DIR}/boringssl"
    PATH_SUFFIXES include NO_DEFAULT_PATH)
  if(slopn_debian_boringssl_FOUND)
    set(chosen slopn_debian_boringssl)
  endif()
endif()

if(NOT chosen)
  message(FATAL_ERROR "No TLS library for SLOPN_TLS=${SLOPN_TLS}. On Debian run "
    "'SLOPN_TLS=${SLOPN_TLS} packaging/bootstrap.sh'; elsewhere install AWS-LC or a static BoringSSL "
    "and name its prefix with CMAKE_PREFIX_PATH or SLOPN_BORINGSSL_ROOT.")
endif()
if(NOT ${chosen}_MLKEM)
  message(WARNING "${${chosen}_NAME} (${${chosen}_VERSION}) in ${${chosen}_INCLUDE} has no X25519MLKEM768: "
    "key exchange will not withstand a quantum computer, and AES-GCM is slower. "
    "SLOPN_TLS=auto takes a better library.")
endif()

set(SLOPN_TLS_NAME "${${chosen}_NAME}")
set(SLOPN_TLS_VERSION "${${chosen}_VERSION}")
message(STATUS "TLS library: ${SLOPN_TLS_NAME} ${SLOPN_TLS_VERSION} (${${chosen}_SSL})")

slopn_static(slopn_tls_crypto "${${chosen}_CRYPTO}" "${${chosen}_INCLUDE}")
slopn_static(slopn_tls_ssl "${${chosen}_SSL}" "${${chosen}_INCLUDE}")
target_link_libraries(slopn_tls_crypto INTERFACE Threads::Threads)
target_link_libraries(slopn_tls_ssl INTERFACE slopn_tls_crypto)
add_library(slopn::tls ALIAS slopn_tls_ssl)
