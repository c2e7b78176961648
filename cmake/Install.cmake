# cmake --install build --prefix X: the programs in bin/, what they load and what scripts import in lib/, the manual and the completions where
# man, bash and zsh look for them. The tree may be moved: programs find the rest from where they are.
include(GNUInstallDirs)

find_package(OnnxRuntime REQUIRED)
get_target_property(ort_library onnxruntime::onnxruntime IMPORTED_LOCATION)
if(ort_library MATCHES "^${NS_DEPS_DIR}/")  # not the system's own
  get_filename_component(ort_folder ${ort_library} DIRECTORY)
  install(DIRECTORY ${ort_folder}/ DESTINATION ${CMAKE_INSTALL_LIBDIR}/neural_solution FILES_MATCHING PATTERN "libonnxruntime.so.*")
endif()
set_target_properties(neural_solution neural_solution_worker neural_solution_supervisor PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/neural_solution")
install(TARGETS neural_solution neural_solution_worker neural_solution_supervisor)
install(DIRECTORY python/ DESTINATION lib/neural_solution/python PATTERN __pycache__ EXCLUDE PATTERN "*.pyc" EXCLUDE)

# Made by the program itself, from the definitions of its options.
set(made ${PROJECT_BINARY_DIR}/made)
add_custom_command(
  OUTPUT ${made}/neural_solution.1 ${made}/neural_solution.bash ${made}/_neural_solution
  COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
  COMMAND neural_solution man > ${made}/neural_solution.1
  COMMAND neural_solution completion bash > ${made}/neural_solution.bash
  COMMAND neural_solution completion zsh > ${made}/_neural_solution
  DEPENDS neural_solution neural_solution_worker
  VERBATIM)
add_custom_target(ns_manual ALL DEPENDS ${made}/neural_solution.1)
install(FILES ${made}/neural_solution.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/neural_solution.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME neural_solution)
install(FILES ${made}/_neural_solution DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
