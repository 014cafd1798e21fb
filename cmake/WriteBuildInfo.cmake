# Run at build time by cmake/BuildInfo.cmake.
set(COMMIT "")
find_program(git git)
if(git AND EXISTS "${SOURCE_DIR}/.git")
  execute_process(COMMAND ${git} -C "${SOURCE_DIR}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(LOCK "")
if(EXISTS "${LOCK_FILE}")
  file(READ "${LOCK_FILE}" LOCK)
endif()
# configure_file() leaves the file and its time alone when nothing changed.
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
