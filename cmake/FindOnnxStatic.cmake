# The onnx C++ library that scripts/setup builds, as the imported target onnx::onnx: static, on Debian's protobuf (linked in turn; static, too:
# gRPC brings it along, and there is one in a program),
# SYSTEM includes (#include <onnx/onnx_pb.h>, <onnx/checker.h>, <onnx/defs/parser.h>, <onnx/shape_inference/implementation.h>, ...),
# and the definitions its headers need: its namespace is ns_onnx, so that it never meets another onnx in one process.
#
# Taken from ${NS_DEPS_DIR}/onnx (environment, then the CMake variable). Sets OnnxStatic_FOUND and OnnxStatic_VERSION.

if(NOT TARGET onnx::onnx)
  find_library(OnnxStatic_protobuf libprotobuf.a)
  find_package(ZLIB QUIET)
  find_package(Threads QUIET)

  set(_onnx_roots)
  foreach(_onnx_deps "$ENV{NS_DEPS_DIR}" "${NS_DEPS_DIR}")
    if(_onnx_deps)
      list(APPEND _onnx_roots ${_onnx_deps}/onnx)
    endif()
  endforeach()

  find_path(_onnx_include onnx/onnx_pb.h PATHS ${_onnx_roots} PATH_SUFFIXES include NO_DEFAULT_PATH NO_CACHE)
  find_library(_onnx_library libonnx.a PATHS ${_onnx_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH NO_CACHE)
  find_library(_onnx_proto_library libonnx_proto.a PATHS ${_onnx_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH NO_CACHE)
  find_file(_onnx_definitions compile_definitions PATHS ${_onnx_roots} NO_DEFAULT_PATH NO_CACHE)

  set(_onnx_version_file ${_onnx_include}/../lib/cmake/ONNX/ONNXConfigVersion.cmake)
  if(EXISTS ${_onnx_version_file})
    file(STRINGS ${_onnx_version_file} _onnx_line REGEX "set\\(PACKAGE_VERSION \"[0-9.]+\"\\)")
    string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" OnnxStatic_VERSION "${_onnx_line}")
  endif()

  list(JOIN _onnx_roots ", " _onnx_looked)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(OnnxStatic
    REQUIRED_VARS _onnx_library _onnx_proto_library _onnx_include _onnx_definitions OnnxStatic_protobuf VERSION_VAR OnnxStatic_VERSION
    REASON_FAILURE_MESSAGE "run scripts/setup (looked in ${_onnx_looked})")

  if(OnnxStatic_FOUND)
    file(STRINGS ${_onnx_definitions} _onnx_definitions_list)
    add_library(onnx::proto STATIC IMPORTED)
    set_target_properties(onnx::proto PROPERTIES
      IMPORTED_LOCATION ${_onnx_proto_library}
      INTERFACE_COMPILE_DEFINITIONS "${_onnx_definitions_list}"
      INTERFACE_INCLUDE_DIRECTORIES ${_onnx_include}
      INTERFACE_LINK_LIBRARIES "${OnnxStatic_protobuf};${ZLIB_LIBRARIES};${CMAKE_THREAD_LIBS_INIT}")
    add_library(onnx::onnx STATIC IMPORTED)
    set_target_properties(onnx::onnx PROPERTIES
      IMPORTED_LOCATION ${_onnx_library}
      INTERFACE_LINK_LIBRARIES onnx::proto)
  endif()
  unset(_onnx_include)
  unset(_onnx_library)
  unset(_onnx_proto_library)
  unset(_onnx_definitions)
endif()
