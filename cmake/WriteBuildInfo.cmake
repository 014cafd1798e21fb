# Run at build time by cmake/BuildInfo.cmake.
set(COMMIT "")
find_program(git git)
if(git AND EXISTS "${SOURCE_DIR}/.git")
  execute_process(COMMAND ${git} -C "${SOURCE_DIR}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(LOCK "")
if(EXISTS "${LOCK_FILE}")
  # Only what is in the programs: no tools of the tests, and one TLS library.
  file(STRINGS "${LOCK_FILE}" lines)
  list(FILTER lines EXCLUDE REGEX "^(lib)?python|^pylsqpack|^libcatch2")
  if(TLS_NAME STREQUAL "AWS-LC")
    list(FILTER lines EXCLUDE REGEX "boringssl")
  else()
    list(FILTER lines EXCLUDE REGEX "aws-lc")
  endif()
  foreach(line IN LISTS lines)
    string(APPEND LOCK "${line}\n")
  endforeach()
endif()
# configure_file() leaves the file and its time alone when nothing changed.
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
