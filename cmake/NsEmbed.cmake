# ns_embed(TARGET FUNCTION FILE...): the files become part of the target. FUNCTION(name) in namespace ns gives the content of the file of that
# name, "" when there is none; declare it where it is used:  std::string_view FUNCTION(std::string_view name);
function(ns_embed target function)
  set(entries "")
  foreach(file ${ARGN})
    file(READ ${file} content)
    get_filename_component(name ${file} NAME)
    string(APPEND entries "  if (name == \"${name}\") return R\"NsEmbed(${content})NsEmbed\";\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${function}.cc)
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"#include <string_view>

namespace ns {

std::string_view @function@(std::string_view name) {
@entries@  return {};
}

}  // namespace ns
")
  target_sources(${target} PRIVATE ${out})
endfunction()
