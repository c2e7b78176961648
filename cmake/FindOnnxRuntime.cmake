# ONNX Runtime as the imported target onnxruntime::onnxruntime (SYSTEM includes: #include <onnxruntime_cxx_api.h>).
#
# Taken from the first of
#   1. ONNXRUNTIME_ROOT (-D or environment): an unpacked release, or any folder with include/ and lib/; nothing else is tried then
#   2. find_package(onnxruntime CONFIG), unless older than the headers this project needs
#   3. ${NS_DEPS_DIR}/onnxruntime (environment, then the CMake variable), where scripts/setup puts the official build
# Sets OnnxRuntime_FOUND, OnnxRuntime_VERSION (of the library, as far as its file name says it) and OnnxRuntime_ROOT_DIR.

set(_ort_oldest 1.21)  # the C API version of the headers the project is written against; a newer library serves it too

if(NOT TARGET onnxruntime::onnxruntime)
  if(NOT ONNXRUNTIME_ROOT AND NOT "$ENV{ONNXRUNTIME_ROOT}" STREQUAL "")
    set(ONNXRUNTIME_ROOT $ENV{ONNXRUNTIME_ROOT})
  endif()

  if(ONNXRUNTIME_ROOT)
    set(_ort_roots ${ONNXRUNTIME_ROOT})
  else()
    find_package(onnxruntime ${_ort_oldest} CONFIG QUIET)
    if(NOT TARGET onnxruntime::onnxruntime)
      set(_ort_roots)
      foreach(_ort_deps "$ENV{NS_DEPS_DIR}" "${NS_DEPS_DIR}")
        if(_ort_deps)
          list(APPEND _ort_roots ${_ort_deps}/onnxruntime)
        endif()
      endforeach()
    endif()
  endif()
endif()

if(TARGET onnxruntime::onnxruntime)
  set(OnnxRuntime_VERSION ${onnxruntime_VERSION})
  set(OnnxRuntime_ROOT_DIR ${onnxruntime_DIR})
  set(_ort_what OnnxRuntime_ROOT_DIR)
else()
  # Not in the cache: another ONNXRUNTIME_ROOT at the next configure has to win over what was found before.
  find_path(_ort_include onnxruntime_cxx_api.h PATHS ${_ort_roots}
    PATH_SUFFIXES include include/onnxruntime include/onnxruntime/core/session NO_DEFAULT_PATH NO_CACHE)
  find_library(_ort_library NAMES onnxruntime libonnxruntime.so.1 PATHS ${_ort_roots}
    PATH_SUFFIXES lib lib64 lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH NO_CACHE)
  set(_ort_what _ort_library _ort_include)
  if(_ort_library)
    get_filename_component(_ort_file ${_ort_library} REALPATH)
    get_filename_component(OnnxRuntime_ROOT_DIR ${_ort_library} DIRECTORY)
    get_filename_component(OnnxRuntime_ROOT_DIR ${OnnxRuntime_ROOT_DIR} DIRECTORY)
    if(_ort_file MATCHES "\\.so\\.([0-9]+\\.[0-9.]+)$")
      set(OnnxRuntime_VERSION ${CMAKE_MATCH_1})
    endif()
  endif()
endif()

list(JOIN _ort_roots ", " _ort_looked)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime REQUIRED_VARS ${_ort_what} VERSION_VAR OnnxRuntime_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup, or give -DONNXRUNTIME_ROOT=<folder with include/ and lib/> (looked in ${_ort_looked})")

if(OnnxRuntime_FOUND AND NOT TARGET onnxruntime::onnxruntime)
  add_library(onnxruntime::onnxruntime SHARED IMPORTED)
  set_target_properties(onnxruntime::onnxruntime PROPERTIES
    IMPORTED_LOCATION ${_ort_library}
    IMPORTED_SONAME libonnxruntime.so.1
    INTERFACE_INCLUDE_DIRECTORIES ${_ort_include})
endif()
unset(_ort_include)
unset(_ort_library)
