# Each third-party library as one interface target, dep_NAME. Who may link which: docs/architecture.md.
find_package(PkgConfig REQUIRED)

function(onboard_pkg name module)
	pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
	add_library(dep_${name} INTERFACE)
	target_link_libraries(dep_${name} INTERFACE PkgConfig::${name})
endfunction()

set(ONBOARD_SERVICE_DTLS openssl CACHE STRING "libcoap build for onboard-service: openssl or gnutls")

onboard_pkg(coap_codec libcoap-3-notls)
onboard_pkg(cbor libcbor)
onboard_pkg(jansson jansson)
onboard_pkg(curl libcurl)
onboard_pkg(inih inih)
onboard_pkg(qrencode libqrencode)
onboard_pkg(sqlite sqlite3)
onboard_pkg(p11kit p11-kit-1)
onboard_pkg(systemd libsystemd)
onboard_pkg(gpiod libgpiod)
onboard_pkg(protobuf_c libprotobuf-c)
find_program(PROTOC_C protoc-c REQUIRED)
if(ONBOARD_SERVICE)
	onboard_pkg(coap_service libcoap-3-${ONBOARD_SERVICE_DTLS})
	onboard_pkg(microhttpd libmicrohttpd)
	onboard_pkg(postgresql libpq)
	onboard_pkg(crypto libcrypto)
	onboard_pkg(ssl libssl)
	# libcsv comes without a pkg-config file.
	find_path(CSV_INCLUDE_DIR csv.h REQUIRED)
	find_library(CSV_LIBRARY csv REQUIRED)
	add_library(dep_csv INTERFACE)
	target_include_directories(dep_csv INTERFACE ${CSV_INCLUDE_DIR})
	target_link_libraries(dep_csv INTERFACE ${CSV_LIBRARY})
endif()
if(ONBOARD_TESTS)
	onboard_pkg(cmocka cmocka)
	onboard_pkg(coap_openssl libcoap-3-openssl)
	onboard_pkg(coap_gnutls libcoap-3-gnutls)
endif()

# Debian 12's mbedTLS 2.28 ships no pkg-config file.
find_path(MBEDTLS_INCLUDE mbedtls/ssl.h REQUIRED)
find_library(MBEDTLS_LIB mbedtls REQUIRED)
find_library(MBEDX509_LIB mbedx509 REQUIRED)
find_library(MBEDCRYPTO_LIB mbedcrypto REQUIRED)
# RFC 9146 came with 3.x; the draft that 2.28 has is compiled out by Debian.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${MBEDTLS_INCLUDE})
check_c_source_compiles("#include <mbedtls/ssl.h>
	#include <mbedtls/version.h>
	#if MBEDTLS_VERSION_NUMBER < 0x03000000 || !defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)
	#error
	#endif
	int main(void) { return 0; }" MBEDTLS_HAS_CID)
unset(CMAKE_REQUIRED_INCLUDES)
add_library(dep_mbedtls INTERFACE)
target_include_directories(dep_mbedtls SYSTEM INTERFACE ${MBEDTLS_INCLUDE})
target_link_libraries(dep_mbedtls INTERFACE ${MBEDTLS_LIB} ${MBEDX509_LIB} ${MBEDCRYPTO_LIB})
