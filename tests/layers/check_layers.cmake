# Fails when a folder includes something its layer must not know.  Run: cmake -DROOT=<repo> -P <this>
# One rule per line: folder (or a pattern of files), regex of forbidden includes, reason.
cmake_minimum_required(VERSION 3.25)
set(rules
  "libtunnel/base@boost/asio/(io_context|ip/)|ngtcp2|nghttp3|openssl|libtunnel/(core|quic|crypto|session|io)/@base is shared by every program"
  "libtunnel/core@boost/asio|base/async|ngtcp2|nghttp3|openssl|spdlog|<sys/|libtunnel/(quic|crypto|session|io)/@core decides and does no I/O"
  "libtunnel/measure@boost/asio|base/async|ngtcp2|nghttp3|openssl|spdlog|<sys/|libtunnel/(core|crypto|quic|session|io)/@measure is messages, for the CLI too"
  "daemon/measure@daemon/(config|control|supervisor)/|libtunnel/(quic|session)/|\"platform/@the measurement service knows nothing of the rest of the daemon"
  "libtunnel/quic@boost/asio|base/async|spdlog|<sys/socket|libtunnel/(core|session|io)/@quic does no I/O, and does not know core"
  "libtunnel/crypto@boost/asio|base/async|spdlog|<sys/socket|ngtcp2|nghttp3|libtunnel/(core|quic|session|io)/@crypto stands beside core and quic"
  "libtunnel/session@boost/asio|base/async|spdlog|<sys/socket|libtunnel/io/|\"platform/@session joins core and quic without sockets"
  "libtunnel@\"daemon/|\"cli/|\"broker/|grpc|\\.pb\\.h|platform/(linux|fake)|<linux/@the library does not know its users, and no Linux"
  "platform@\"daemon/|\"cli/|\"broker/|grpc|\\.pb\\.h|libtunnel/(core|quic|crypto|session|io)/@the platform knows only base"
  "platform/*.hpp@<linux/|libmnl|nftables/|platform/(linux|fake)/@the interfaces are the same on every system"
  "daemon@\"cli/|\"broker/|<linux/@the daemon knows neither its clients nor the broker, and Linux is platform/linux"
  "cli@\"daemon/|\"platform/([a-ce-z]|d[a-hj-z])|\"broker/|libtunnel/(core|quic|session|io)/|<linux/@the CLI speaks only the control API, and looks at the host itself when nobody answers"
  "broker@\"daemon/|\"cli/|\"platform/|libtunnel/(core|quic|session|io)/|<linux/@the broker shares only base")

set(failures 0)
foreach(rule IN LISTS rules)
  if(NOT rule MATCHES "^([^@]+)@(.+)@([^@]+)$")
    message(FATAL_ERROR "this rule is not 'folder@forbidden@reason': ${rule}")
  endif()
  set(folder "${CMAKE_MATCH_1}")
  set(forbidden "${CMAKE_MATCH_2}")
  set(reason "${CMAKE_MATCH_3}")
  if(folder MATCHES "\\*")
    file(GLOB sources "${ROOT}/${folder}")
  else()
    file(GLOB_RECURSE sources "${ROOT}/${folder}/*.hpp" "${ROOT}/${folder}/*.cpp")
  endif()
  foreach(source IN LISTS sources)
    file(STRINGS "${source}" includes REGEX "^ *# *include")
    foreach(line IN LISTS includes)
      if(line MATCHES "${forbidden}")
        message("${source}: ${line}  -- ${reason}")
        math(EXPR failures "${failures} + 1")
      endif()
    endforeach()
  endforeach()
endforeach()

file(GLOB_RECURSE in_proto "${ROOT}/proto/*")
list(FILTER in_proto EXCLUDE REGEX "(\\.proto|CMakeLists\\.txt)$")
foreach(file IN LISTS in_proto)
  message("${file}: proto/ holds .proto files and nothing else")
  math(EXPR failures "${failures} + 1")
endforeach()

if(failures)
  message(FATAL_ERROR "${failures} violation(s) of the layers (docs/architecture.md)")
endif()
