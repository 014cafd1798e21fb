# slopn::grpc: gRPC without TLS, and Protobuf.
#
# What ships has both inside, where the archives are installed: a daemon then takes 4 MB less memory
# than with the shared libraries, and starts faster. Elsewhere, and while developing, shared ones.
include_guard()

pkg_check_modules(SLOPN_GRPC REQUIRED IMPORTED_TARGET GLOBAL grpc++_unsecure protobuf)

# Sets `out` to the archives that gRPC is made of, or to nothing if one is missing.
function(slopn_grpc_archives out)
  set(archives "")
  foreach(name IN ITEMS grpc++_unsecure grpc_unsecure gpr upb address_sorting protobuf)
    find_library(SLOPN_ARCHIVE_${name} lib${name}.a HINTS ${SLOPN_GRPC_LIBDIR})
    mark_as_advanced(SLOPN_ARCHIVE_${name})
    if(NOT SLOPN_ARCHIVE_${name})
      set(${out} "" PARENT_SCOPE)
      return()
    endif()
    list(APPEND archives ${SLOPN_ARCHIVE_${name}})
  endforeach()
  cmake_path(GET SLOPN_ARCHIVE_gpr PARENT_PATH folder)
  file(GLOB abseil ${folder}/libabsl_*.a)
  set(${out} ${archives} ${abseil} PARENT_SCOPE)
endfunction()

add_library(slopn_grpc INTERFACE)
add_library(slopn::grpc ALIAS slopn_grpc)
set(archives "")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  slopn_grpc_archives(archives)
endif()
if(archives)
  target_include_directories(slopn_grpc SYSTEM INTERFACE ${SLOPN_GRPC_INCLUDE_DIRS})
  target_compile_options(slopn_grpc INTERFACE ${SLOPN_GRPC_CFLAGS_OTHER})
  target_link_libraries(slopn_grpc INTERFACE
    "$<LINK_GROUP:RESCAN,${archives}>" re2 cares z Threads::Threads)
else()
  target_link_libraries(slopn_grpc INTERFACE PkgConfig::SLOPN_GRPC)
endif()
unset(archives)
