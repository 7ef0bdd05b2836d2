# Documents, and what only a package has: that is not part of a plain cmake --install.
set(doc ${CMAKE_INSTALL_DATAROOTDIR}/doc)
set(overrides ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides)
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${doc}/belay)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/shim/guides DESTINATION ${doc}/belay/shim) # where README's links lead
install(FILES copyright changelog DESTINATION ${doc}/belay COMPONENT belay EXCLUDE_FROM_ALL)
install(FILES belay.lintian RENAME belay DESTINATION ${overrides} COMPONENT belay EXCLUDE_FROM_ALL)
install(FILES copyright changelog DESTINATION ${doc}/belay-as-runc-v2 COMPONENT diversion EXCLUDE_FROM_ALL)
install(FILES belay-as-runc-v2.lintian RENAME belay-as-runc-v2 DESTINATION ${overrides}
  COMPONENT diversion EXCLUDE_FROM_ALL)
file(CREATE_LINK containerd-shim-belay-v2 ${CMAKE_CURRENT_BINARY_DIR}/containerd-shim-runc-v2 SYMBOLIC)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/containerd-shim-runc-v2 DESTINATION ${CMAKE_INSTALL_BINDIR}
  COMPONENT diversion EXCLUDE_FROM_ALL)
