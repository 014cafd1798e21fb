# slopn::ngtcp2 (with slopn::ngtcp2_crypto, its glue to slopn::tls) and slopn::nghttp3.
# Sets SLOPN_NGTCP2_VERSION and SLOPN_NGHTTP3_VERSION for `slopnd --version`.
include_guard()

set(SLOPN_NGTCP2_SOURCE "${SLOPN_DEPS_DIR}/src/ngtcp2" CACHE PATH
  "Source of ngtcp2, of the same version as the library; its crypto/boringssl is compiled")

# Static libraries are preferred: nothing of another suite is then needed at run time.
function(slopn_find_quic name header symbol version_out)
  find_path(SLOPN_${name}_INCLUDE ${header} HINTS "${SLOPN_DEPS_DIR}/root/usr/include")
  find_library(SLOPN_${name}_LIBRARY NAMES lib${name}.a ${name}
    HINTS "${SLOPN_DEPS_DIR}/root/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}")
  mark_as_advanced(SLOPN_${name}_INCLUDE SLOPN_${name}_LIBRARY)
  if(NOT SLOPN_${name}_INCLUDE OR NOT SLOPN_${name}_LIBRARY)
    message(FATAL_ERROR "lib${name} is missing. On Debian run packaging/bootstrap.sh; "
      "elsewhere install its development files.")
  endif()
  file(STRINGS "${SLOPN_${name}_INCLUDE}/${name}/version.h" line REGEX "define ${symbol} \"")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" version "${line}")
  set(${version_out} "${version}" PARENT_SCOPE)
  add_library(slopn_${name}_library UNKNOWN IMPORTED GLOBAL)
  set_target_properties(slopn_${name}_library PROPERTIES
    IMPORTED_LOCATION "${SLOPN_${name}_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${SLOPN_${name}_INCLUDE}")
endfunction()

slopn_find_quic(ngtcp2 ngtcp2/ngtcp2.h NGTCP2_VERSION SLOPN_NGTCP2_VERSION)
slopn_find_quic(nghttp3 nghttp3/nghttp3.h NGHTTP3_VERSION SLOPN_NGHTTP3_VERSION)
if(SLOPN_NGTCP2_VERSION VERSION_LESS 1.11 OR SLOPN_NGHTTP3_VERSION VERSION_LESS 1.8)
  message(FATAL_ERROR "ngtcp2 ${SLOPN_NGTCP2_VERSION} and nghttp3 ${SLOPN_NGHTTP3_VERSION} are too old: "
    "1.11 and 1.8 are needed.")
endif()
add_library(slopn::nghttp3 ALIAS slopn_nghttp3_library)

# ngtcp2's BBR, except that a few lost packets do not count as too many. BBR lets 2 % of a round
# trip's packets be lost before it sends less; where a round trip holds 18 of them, one is 5 %, and a
# window that shrinks holds fewer still (docs/decisions/0006-congestion-control.md).
function(slopn_patient_bbr file out)
  file(READ ${file} text)
  foreach(change IN ITEMS
      "return rs->lost * NGTCP2_BBR_LOSS_THRESH_DENOM|return rs->lost > 4 * 1500 && rs->lost * NGTCP2_BBR_LOSS_THRESH_DENOM"
      "if (bbr->loss_in_round) {|if (bbr->loss_in_round && bbr_is_inflight_too_high(bbr, &bbr->rst->rs)) {")
    string(REPLACE "|" ";" change "${change}")
    list(GET change 0 before)
    list(GET change 1 after)
    string(FIND "${text}" "${before}" place)
    if(place EQUAL -1)
      message(WARNING "${file} has changed: short paths that lose packets will be slow.")
    endif()
    string(REPLACE "${before}" "${after}" text "${text}")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/ngtcp2/patient_bbr.c CONTENT "${text}" @ONLY)
  set(${out} ${CMAKE_BINARY_DIR}/ngtcp2/patient_bbr.c PARENT_SCOPE)
endfunction()

# The packaged ngtcp2 gives each connection memory pools and lists for many packets at once: 12 KB
# that an idle session never uses (docs/decisions/0015-many-sessions.md). So it is compiled
# from its source, where there is one: without pools, and with blocks of 8 places in its lists.
option(SLOPN_SMALL_NGTCP2 "Compile ngtcp2 so that idle connections take little memory" ON)
set(ngtcp2_library slopn_ngtcp2_library)
if(SLOPN_SMALL_NGTCP2 AND EXISTS "${SLOPN_NGTCP2_SOURCE}/lib/ngtcp2_conn.c")
  file(GLOB ngtcp2_sources ${SLOPN_NGTCP2_SOURCE}/lib/*.c)
  file(READ ${SLOPN_NGTCP2_SOURCE}/lib/ngtcp2_ksl.h lists)
  string(REPLACE "#define NGTCP2_KSL_DEGR 16" "#define NGTCP2_KSL_DEGR 4" lists "${lists}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/ngtcp2/small_lists.h CONTENT "${lists}" @ONLY)
  slopn_patient_bbr(${SLOPN_NGTCP2_SOURCE}/lib/ngtcp2_bbr.c bbr)
  list(FILTER ngtcp2_sources EXCLUDE REGEX "ngtcp2_bbr\\.c$")
  add_library(slopn_small_ngtcp2 STATIC ${ngtcp2_sources} ${bbr})
  target_include_directories(slopn_small_ngtcp2
    SYSTEM PUBLIC ${SLOPN_ngtcp2_INCLUDE}
    PRIVATE ${SLOPN_NGTCP2_SOURCE}/lib)
  target_compile_definitions(slopn_small_ngtcp2 PRIVATE
    NOMEMPOOL _GNU_SOURCE HAVE_ARPA_INET_H HAVE_NETINET_IN_H HAVE_UNISTD_H HAVE_ENDIAN_H
    HAVE_BYTESWAP_H HAVE_DECL_BE64TOH=1 HAVE_DECL_BSWAP_64=1 HAVE_EXPLICIT_BZERO
    $<$<STREQUAL:${CMAKE_C_BYTE_ORDER},BIG_ENDIAN>:WORDS_BIGENDIAN>)
  # Its include guard makes this one count, and not the original.
  target_compile_options(slopn_small_ngtcp2 PRIVATE
    "SHELL:-include ${CMAKE_BINARY_DIR}/ngtcp2/small_lists.h")
  set(ngtcp2_library slopn_small_ngtcp2)
endif()

if(EXISTS "${SLOPN_NGTCP2_SOURCE}/crypto/boringssl/boringssl.c")
  add_library(slopn_ngtcp2_crypto STATIC
    ${SLOPN_NGTCP2_SOURCE}/crypto/boringssl/boringssl.c ${SLOPN_NGTCP2_SOURCE}/crypto/shared.c)
  target_include_directories(slopn_ngtcp2_crypto
    SYSTEM PUBLIC ${SLOPN_NGTCP2_SOURCE}/crypto/includes
    PRIVATE ${SLOPN_NGTCP2_SOURCE}/crypto ${SLOPN_NGTCP2_SOURCE}/lib)
else()
  find_library(SLOPN_NGTCP2_CRYPTO NAMES libngtcp2_crypto_boringssl.a ngtcp2_crypto_boringssl)
  if(NOT SLOPN_NGTCP2_CRYPTO)
    message(FATAL_ERROR "ngtcp2's glue to BoringSSL is missing: install libngtcp2_crypto_boringssl, or "
      "unpack ngtcp2 ${SLOPN_NGTCP2_VERSION}'s source and name it with SLOPN_NGTCP2_SOURCE.")
  endif()
  add_library(slopn_ngtcp2_crypto INTERFACE)
  target_link_libraries(slopn_ngtcp2_crypto INTERFACE ${SLOPN_NGTCP2_CRYPTO})
endif()
get_target_property(kind slopn_ngtcp2_crypto TYPE)
if(kind STREQUAL "INTERFACE_LIBRARY")
  target_link_libraries(slopn_ngtcp2_crypto INTERFACE ${ngtcp2_library} slopn::tls)
else()
  target_link_libraries(slopn_ngtcp2_crypto PUBLIC ${ngtcp2_library} slopn::tls)
endif()
add_library(slopn::ngtcp2_crypto ALIAS slopn_ngtcp2_crypto)

add_library(slopn_ngtcp2 INTERFACE)
target_link_libraries(slopn_ngtcp2 INTERFACE slopn_ngtcp2_crypto ${ngtcp2_library})
add_library(slopn::ngtcp2 ALIAS slopn_ngtcp2)
