# What `cmake --install` lays out: the rooms' libraries and public headers, the programs, and the package that
# find_package(cryptotl) reads: engine and service by themselves, training with COMPONENTS learn.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/cryptotl)

foreach(room IN LISTS CRYPTOTL_ROOMS)
  if(NOT TARGET cryptotl_${room} OR room STREQUAL cli)
    continue()
  endif()
  set(part engine)
  if(room IN_LIST CRYPTOTL_LEARNING_ROOMS)
    set(part learn)
  endif()
  list(APPEND parts ${part})
  install(TARGETS cryptotl_${room} EXPORT cryptotl-${part}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libraries)
  install(DIRECTORY include/cryptotl/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cryptotl COMPONENT libraries)
endforeach()
# What trains, for the client's program, which finds it from its own place, and for who links learn.
if(TARGET cryptotl_torch)
  install(TARGETS cryptotl_torch EXPORT cryptotl-learn
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT programs NAMELINK_COMPONENT libraries)
  file(RELATIVE_PATH to_libraries ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(cryptotl PROPERTIES INSTALL_RPATH "$ORIGIN/${to_libraries}")
endif()
list(REMOVE_DUPLICATES parts)
foreach(part IN LISTS parts)
  install(EXPORT cryptotl-${part} NAMESPACE cryptotl:: DESTINATION ${package_folder} COMPONENT libraries)
endforeach()

foreach(program IN ITEMS cryptotl cryptotl-server)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/cryptotl-config.cmake.in
  ${PROJECT_BINARY_DIR}/cryptotl-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cryptotl-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cryptotl-config.cmake ${PROJECT_BINARY_DIR}/cryptotl-config-version.cmake
  DESTINATION ${package_folder} COMPONENT libraries)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT libraries)
