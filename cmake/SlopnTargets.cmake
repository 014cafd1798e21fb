# One way to declare a target, so that warnings, include root and naming never differ.
include_guard()

# Newer compilers know new warnings; those must not keep anybody from building. GCC 12 sees an
# uninitialised value in many a correct std::optional and Result, so that one only warns.
set(fatal_warnings FALSE)
if(SLOPN_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(fatal_warnings TRUE)
endif()

add_library(slopn_compile_options INTERFACE)
target_compile_features(slopn_compile_options INTERFACE cxx_std_20)
target_include_directories(slopn_compile_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(slopn_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Werror=switch
  "$<$<BOOL:${fatal_warnings}>:-Werror;-Wno-error=maybe-uninitialized>")

# slopn_library(<name> SOURCES <file>... [PUBLIC <target>...] [PRIVATE <target>...])
# PUBLIC is for targets whose types appear in our headers; everything else is PRIVATE.
function(slopn_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(slopn_${name} STATIC ${arg_SOURCES})
  add_library(slopn::${name} ALIAS slopn_${name})
  target_link_libraries(slopn_${name}
    PUBLIC slopn_compile_options ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE})
endfunction()

# slopn_executable(<name> [SYSTEM] SOURCES <file>... [LIBS <target>...])
# A program that is installed; it lands in <build folder>/bin. SYSTEM: in sbin, not for every user.
function(slopn_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SYSTEM" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE slopn_compile_options ${arg_LIBS})
  set(dir ${CMAKE_INSTALL_BINDIR})
  if(arg_SYSTEM)
    set(dir ${CMAKE_INSTALL_SBINDIR})
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION ${dir})
endfunction()

# The folder below tests/ that the current CMakeLists.txt belongs to: unit, sim, netns, ...
function(slopn_test_kind out)
  file(RELATIVE_PATH below ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "/.*" "" kind "${below}")
  set(${out} "${kind}" PARENT_SCOPE)
endfunction()

# Properties that every test of a kind shares. Tests that make network namespaces or measure time
# run one at a time; SKIP() of Catch2 (exit code 4) shows as "Skipped".
function(slopn_test_properties out kind)
  set(seconds 60)
  if(kind MATCHES "^(sim|conformance)$")
    set(seconds 180)
  elseif(kind MATCHES "^(netns|demo)$")
    set(seconds 300)
  endif()
  if(SLOPN_SANITIZE)
    math(EXPR seconds "${seconds} * 4")
  endif()
  set(properties LABELS ${kind} TIMEOUT ${seconds} SKIP_RETURN_CODE 4)
  if(kind STREQUAL "netns")
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  set(${out} "${properties}" PARENT_SCOPE)
endfunction()

# slopn_test(<name> SOURCES <file>... LIBS <target>... [LABELS <label>...])
# A Catch2 program in <build folder>/tests, labelled with its folder (unit, sim, ...) and LABELS.
# `cmake --build <build folder> --target tests_unit` builds all of one kind.
function(slopn_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS;LABELS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE slopn_compile_options ${arg_LIBS} Catch2::Catch2WithMain)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  slopn_test_kind(kind)
  add_dependencies(tests_${kind} ${name})
  slopn_add_catch_tests(${name} ${kind} "${arg_LABELS}")
endfunction()

# ctest runs a whole Catch2 program as one test, so that a thousand small cases cost one process.
# `<build folder>/tests/<name> --list-tests` shows the cases, its argument selects some of them.
function(slopn_add_catch_tests name kind labels)
  slopn_test_properties(properties ${kind})
  if(kind STREQUAL "unit" OR kind STREQUAL "sim" OR kind STREQUAL "fuzz")
    add_test(NAME ${kind}.${name} COMMAND ${name} --rng-seed 1 --order rand)
    set_tests_properties(${kind}.${name} PROPERTIES ${properties})
    set_property(TEST ${kind}.${name} APPEND PROPERTY LABELS ${labels})
  else()
    include(Catch)
    catch_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${kind}: "
      PROPERTIES ${properties})
  endif()
endfunction()

# slopn_fuzz(<name> SOURCES <file>... LIBS <target>...)
# SOURCES define LLVMFuzzerTestOneInput. Always makes a program that feeds each file of
# tests/fuzz/corpus/<name>/ to it, and a test from that. With SLOPN_FUZZ (clang) also makes
# <build folder>/fuzz/<name>, a libFuzzer program; run it with the corpus folder as its argument.
function(slopn_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  add_executable(corpus_${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/corpus_main.cpp)
  target_link_libraries(corpus_${name} PRIVATE slopn_compile_options ${arg_LIBS})
  set_target_properties(corpus_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(tests_fuzz corpus_${name})
  slopn_test_properties(properties fuzz)
  add_test(NAME fuzz.${name} COMMAND corpus_${name} ${corpus})
  set_tests_properties(fuzz.${name} PROPERTIES ${properties})

  if(SLOPN_FUZZ)
    add_executable(fuzz_${name} ${arg_SOURCES})
    target_link_libraries(fuzz_${name} PRIVATE slopn_compile_options ${arg_LIBS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz OUTPUT_NAME ${name})
  endif()
endfunction()
