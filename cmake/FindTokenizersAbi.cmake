# Hugging Face's tokenizers behind the C ABI of src/data/tokenizers_abi/, as the imported target tokenizers::abi: static, with the system
# libraries that Rust's standard library needs; SYSTEM includes (#include <tokenizers_abi.h>).
#
# Taken from ${NS_DEPS_DIR}/tokenizers (environment, then the CMake variable), where scripts/setup builds it. Sets TokenizersAbi_FOUND.

if(NOT TARGET tokenizers::abi)
  find_package(Threads REQUIRED)

  set(_tokenizers_roots)
  foreach(_tokenizers_deps "$ENV{NS_DEPS_DIR}" "${NS_DEPS_DIR}")
    if(_tokenizers_deps)
      list(APPEND _tokenizers_roots ${_tokenizers_deps}/tokenizers)
    endif()
  endforeach()

  find_path(_tokenizers_include tokenizers_abi.h PATHS ${_tokenizers_roots} PATH_SUFFIXES include NO_DEFAULT_PATH NO_CACHE)
  find_library(_tokenizers_library libtokenizers_abi.a PATHS ${_tokenizers_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH NO_CACHE)

  list(JOIN _tokenizers_roots ", " _tokenizers_looked)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(TokenizersAbi REQUIRED_VARS _tokenizers_library _tokenizers_include
    REASON_FAILURE_MESSAGE "run scripts/setup (looked in ${_tokenizers_looked})")

  if(TokenizersAbi_FOUND)
    add_library(tokenizers::abi STATIC IMPORTED)
    set_target_properties(tokenizers::abi PROPERTIES
      IMPORTED_LOCATION ${_tokenizers_library}
      INTERFACE_INCLUDE_DIRECTORIES ${_tokenizers_include}
      INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
  endif()
  unset(_tokenizers_include)
  unset(_tokenizers_library)
endif()
