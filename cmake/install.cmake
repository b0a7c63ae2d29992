# Where documents and configuration go; programs, libraries and units are installed by their own folders.
set(config_files
  ${PROJECT_SOURCE_DIR}/config/registryd.toml
  ${PROJECT_SOURCE_DIR}/config/gatewayd.toml
  ${PROJECT_SOURCE_DIR}/config/healthd.toml)

install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES proto/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME PROTOCOL.md)
install(FILES ${config_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/mas/config)

# What an administrator has written stays: a configuration file is put in its place only when there is none.
install(CODE "
  foreach(file IN ITEMS ${config_files})
    get_filename_component(name \"\${file}\" NAME)
    set(place \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/mas/\${name}\")
    if(EXISTS \"\$ENV{DESTDIR}\${place}\")
      message(STATUS \"Kept: \$ENV{DESTDIR}\${place}\")
    else()
      file(INSTALL \"\${file}\" DESTINATION \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/mas\")
    endif()
  endforeach()
")
