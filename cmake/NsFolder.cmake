# One folder of src/ = one static library ns_<folder> plus, when it has x_test.cc files, one test program ns_<folder>_test.
# Which folder may include which is the table tests/tidy/layers.txt, checked when CMake configures and again as a test.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(ns_check_layers)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/tidy/layers.py ${PROJECT_SOURCE_DIR}
    RESULT_VARIABLE failed OUTPUT_VARIABLE report ERROR_VARIABLE report)
  if(failed)
    message(FATAL_ERROR "${report}")
  endif()
endfunction()

# Warnings, sanitizers and the include root, for everything of ours.
function(ns_target_defaults target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ 12 reports these falsely in std::string and std::variant code of its own (GCC bug 105651 and kin); clang has the true ones.
    target_compile_options(${target} PRIVATE
      -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  endif()
  if(NS_SANITIZE)
    string(REPLACE ";" "," list "${NS_SANITIZE}")
    target_compile_options(${target} PUBLIC -fsanitize=${list} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${list})
  endif()
endfunction()

# ns_folder(NAME [USES folder...] [WRAPS target...] [WRAPS_PUBLIC target...] [TEST_USES target...] [TEST_TIMEOUT seconds] [WITHOUT folder...])
#   USES          other folders of ours, seen by this one's users too
#   WRAPS         outside libraries that stay inside this folder's .cc files
#   WRAPS_PUBLIC  outside libraries whose types appear in this folder's headers
#   TEST_USES     what only the tests link
#   WITHOUT       folders below this one, or files of it, that are targets of their own
function(ns_folder name)
  cmake_parse_arguments(arg "" "TEST_TIMEOUT" "USES;WRAPS;WRAPS_PUBLIC;TEST_USES;WITHOUT" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(folder ${arg_WITHOUT})
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${folder}(/|$)")
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  set(testing ${sources})
  list(FILTER testing INCLUDE REGEX "/testing/")
  list(FILTER sources EXCLUDE REGEX "/testing/")

  add_library(ns_${name} STATIC ${sources})
  ns_target_defaults(ns_${name})
  foreach(used ${arg_USES})
    target_link_libraries(ns_${name} PUBLIC ns_${used})
  endforeach()
  target_link_libraries(ns_${name} PUBLIC ${arg_WRAPS_PUBLIC} PRIVATE ${arg_WRAPS})

  if(tests)
    add_executable(ns_${name}_test ${tests} ${testing})
    ns_target_defaults(ns_${name}_test)
    target_link_libraries(ns_${name}_test PRIVATE ns_${name} ${arg_WRAPS} ${arg_TEST_USES} GTest::gmock GTest::gtest_main)
    target_compile_definitions(ns_${name}_test PRIVATE NS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" NS_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
    if(NOT arg_TEST_TIMEOUT)
      set(arg_TEST_TIMEOUT 300)
    endif()
    add_test(NAME ${name} COMMAND ns_${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${arg_TEST_TIMEOUT})
  endif()
endfunction()
