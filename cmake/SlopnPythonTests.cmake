# Tests written in Python. They run the programs of this build folder.
include_guard()
include(SlopnTargets)

# slopn_python_test(<file without .py>...)
# Registers files of the current folder as <kind>.<file>, without the "test_" in front. Each is a
# unittest program that leaves with 4 when all it holds was skipped.
function(slopn_python_test)
  slopn_test_kind(kind)
  slopn_test_properties(properties ${kind} "")
  foreach(file IN LISTS ARGN)
    string(REGEX REPLACE "^test_" "" name ${file})
    add_test(NAME ${kind}.${name}
      COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/${file}.py)
    set_tests_properties(${kind}.${name} PROPERTIES ${properties}
      ENVIRONMENT "SLOPN_BUILD_DIR=${CMAKE_BINARY_DIR};SLOPN_DEPS=${SLOPN_DEPS_DIR}")
  endforeach()
endfunction()
