# Where documents go; programs, libraries, configuration and units are installed by their own folders.
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES proto/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME PROTOCOL.md OPTIONAL)
