# How this tree is compiled and linked: output folders, sanitizers, visibility, ccache, linker.
include_guard()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Assertions stay in what ships: a broken invariant is a bug, and going on with one is worse.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_RELEASE "-O2")

# The data path's small functions live in many files; what ships sees through them.
include(CheckIPOSupported)
check_ipo_supported(RESULT SLOPN_LINK_TIME_OPTIMIZATION LANGUAGES CXX)
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ${SLOPN_LINK_TIME_OPTIMIZATION})

# What nobody calls is not linked; a daemon's memory is mostly its code.
add_compile_options($<$<CONFIG:Release>:-ffunction-sections> $<$<CONFIG:Release>:-fdata-sections>)
add_link_options($<$<CONFIG:Release>:LINKER:--gc-sections>)

# The TLS library lives inside the programs. Nothing of it may be visible to other libraries in the
# process, or their references to OpenSSL would bind to it.
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
add_link_options(LINKER:-z,relro,-z,now)
if(NOT SLOPN_SANITIZE)  # clang's sanitizers are static libraries whose symbols must be seen
  add_link_options(LINKER:--exclude-libs,ALL)
endif()

if(SLOPN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # counts branches in everything a target calls
endif()

if(SLOPN_SANITIZE)
  add_compile_options(-fsanitize=${SLOPN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SLOPN_SANITIZE})
  if(SLOPN_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(SLOPN_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio uses atomic_thread_fence, which GCC's TSan cannot model
  endif()
else()
  add_compile_options(-fstack-protector-strong)
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()

find_program(SLOPN_CCACHE ccache)
if(SLOPN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Build folders share hits: paths below the repository count relative to the build folder.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SLOPN_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

# A quick linker while developing; what ships is linked by the system's default one.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  find_program(SLOPN_LINKER NAMES mold ld.lld)
  if(SLOPN_LINKER MATCHES "mold$")
    add_link_options(-fuse-ld=mold)
  elseif(SLOPN_LINKER MATCHES "ld.lld$")
    add_link_options(-fuse-ld=lld)
  endif()
endif()
