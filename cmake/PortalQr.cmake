# The camera's page reads QR codes with the browser's own detector. For browsers without one (Firefox, Chromium on Linux)
# a decoder of npm goes into the portal, once scripts/portal-packages has put it into the build folder. Nothing is asked of the
# network here.
set(ONBOARD_PORTAL_QR AUTO CACHE STRING "QR decoder inside of the portal: AUTO (when scripts/portal-packages has run), ON or OFF")
set_property(CACHE ONBOARD_PORTAL_QR PROPERTY STRINGS AUTO ON OFF)

set(portal_qr ${CMAKE_BINARY_DIR}/portal/node_modules/qr)
# A new lock is a new decoder.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/service/portal/package-lock.json)
if(ONBOARD_PORTAL_QR AND EXISTS ${portal_qr}/decode.js)
	# Its two modules only, under a name that no file of ours has.
	foreach(file decode.js index.js)
		configure_file(${portal_qr}/${file} ${CMAKE_BINARY_DIR}/portal/embedded/vendor/qr/${file} COPYONLY)
	endforeach()
	configure_file(${portal_qr}/LICENSE-MIT ${CMAKE_BINARY_DIR}/portal/embedded/vendor/qr/LICENSE.txt COPYONLY)
	list(APPEND ONBOARD_PORTAL_FOLDERS "${CMAKE_BINARY_DIR}/portal/embedded=")
elseif(ONBOARD_PORTAL_QR AND NOT ONBOARD_PORTAL_QR STREQUAL AUTO)
	message(FATAL_ERROR "ONBOARD_PORTAL_QR is ON and ${portal_qr} is not there: run scripts/portal-packages ${CMAKE_BINARY_DIR}")
elseif(NOT ONBOARD_PORTAL_QR)
	message(STATUS "Portal without a QR decoder (ONBOARD_PORTAL_QR is OFF)")
else()
	message(STATUS "Portal without a QR decoder: scripts/portal-packages ${CMAKE_BINARY_DIR} fetches it")
endif()
