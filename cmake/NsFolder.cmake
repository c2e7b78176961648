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
    target_compile_options(${target} PUBLIC -fsanitize=${list} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${list})
  endif()
  if(NS_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM ${NS_PRECOMPILED})
  endif()
endfunction()

# A sanitized build spends most of its time on headers that all files include: once is enough. Other builds do without, so that no file sees
# what it does not include.
if(NS_SANITIZE)
  find_package(fmt REQUIRED)
  find_package(GTest REQUIRED)
  set(CMAKE_CXX_COMPILE_OPTIONS_PIE ${CMAKE_CXX_COMPILE_OPTIONS_PIC})  # the same for all
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cc "")
  add_library(precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  ns_target_defaults(precompiled)
  target_compile_options(precompiled PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  target_link_libraries(precompiled PRIVATE fmt::fmt GTest::gtest)
  target_precompile_headers(precompiled PRIVATE
    <algorithm> <atomic> <chrono> <condition_variable> <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span>
    <sstream> <string> <string_view> <thread> <unordered_map> <variant> <vector> <fmt/format.h> <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
  set(NS_PRECOMPILED precompiled)
endif()

option(NS_FUZZ "Fuzz targets search (libFuzzer), instead of replaying their corpora" OFF)
set(NS_FUZZED base tasks graph data fetch schedule huggingface)  # libFuzzer sees which of their code an input reaches

# Their tests link gRPC or ONNX Runtime, whose builds are not instrumented: the thread sanitizer would judge them wrongly. Checked below.
set(NS_NOT_THREAD_SANITIZED runtime passes quantize worker team_rpc)

add_custom_target(unit_tests)

# The labels of a test of `folder`: LABEL, and "asan" or "tsan" where scripts/sanitize runs it.
function(ns_test_labels out folder label)
  set(labels ${label})
  if(NS_SANITIZE MATCHES address)
    list(APPEND labels asan)
  elseif(NS_SANITIZE MATCHES thread AND NOT folder IN_LIST NS_NOT_THREAD_SANITIZED)
    list(APPEND labels tsan)
  endif()
  set(${out} ${labels} PARENT_SCOPE)
endfunction()

# Whether `target` links one of `libraries`, itself or by what it links.
function(ns_links out target libraries)
  set(seen "")
  set(open ${target})
  while(open)
    list(POP_FRONT open next)
    list(APPEND seen ${next})
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_target_property(linked ${next} ${property})
      string(REGEX REPLACE "\\$<LINK_ONLY:([^>]*)>" "\\1" linked "${linked}")
      foreach(library ${linked})
        if(library IN_LIST libraries)
          set(${out} TRUE PARENT_SCOPE)
          return()
        elseif(TARGET ${library} AND NOT library IN_LIST seen)
          list(APPEND open ${library})
        endif()
      endforeach()
    endforeach()
    list(REMOVE_DUPLICATES open)
  endwhile()
  set(${out} FALSE PARENT_SCOPE)
endfunction()

# Fails where the list above is not the truth, when all targets are known.
function(ns_check_thread_sanitized)
  get_property(folders GLOBAL PROPERTY NS_TESTED)
  foreach(folder ${folders})
    ns_links(links ns_${folder}_test "GrpcStatic::grpc;onnxruntime::onnxruntime")
    if(links AND NOT folder IN_LIST NS_NOT_THREAD_SANITIZED)
      message(FATAL_ERROR "ns_${folder}_test links gRPC or ONNX Runtime: it belongs into NS_NOT_THREAD_SANITIZED")
    elseif(folder IN_LIST NS_NOT_THREAD_SANITIZED AND NOT links)
      message(FATAL_ERROR "ns_${folder}_test links neither gRPC nor ONNX Runtime: it does not belong into NS_NOT_THREAD_SANITIZED")
    endif()
  endforeach()
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
  if(NS_FUZZ AND name IN_LIST NS_FUZZED)
    target_compile_options(ns_${name} PRIVATE -fsanitize-coverage=inline-8bit-counters,indirect-calls,trace-cmp,pc-table)
  endif()

  if(tests)
    add_executable(ns_${name}_test ${tests} ${testing})
    ns_target_defaults(ns_${name}_test)
    target_link_libraries(ns_${name}_test PRIVATE ns_${name} ${arg_WRAPS} ${arg_TEST_USES} GTest::gmock GTest::gtest_main)
    target_compile_definitions(ns_${name}_test PRIVATE NS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" NS_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
    if(NOT arg_TEST_TIMEOUT)
      set(arg_TEST_TIMEOUT 300)
    endif()
    add_test(NAME ${name} COMMAND ns_${name}_test)
    set_property(GLOBAL APPEND PROPERTY NS_TESTED ${name})
    ns_test_labels(labels ${name} unit)
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${arg_TEST_TIMEOUT})
    if(NOT NS_SANITIZE MATCHES thread OR tsan IN_LIST labels)
      add_dependencies(unit_tests ns_${name}_test)
    endif()
  endif()
endfunction()
