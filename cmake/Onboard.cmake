# How every target of the tree is built: warnings, hardening, sanitizers, one static library a folder.

option(ONBOARD_TESTS "Build the tests, their peers and the benchmarks" ON)
option(ONBOARD_SERVICE "Build onboard-service; without it what only it needs is not looked for" ON)
option(ONBOARD_WERROR "Warnings are errors" OFF)
option(ONBOARD_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(ONBOARD_FUZZ "Build libFuzzer targets (clang)" OFF)
option(ONBOARD_COVERAGE "Instrument for gcov" OFF)
set(ONBOARD_TEST_WRAPPER "" CACHE STRING "Command that tests run programs under, as a list: valgrind;--quiet ...")
# Label of the C tests outside of "unit" that the suite "valgrind" runs too.
if(ONBOARD_TEST_WRAPPER)
	set(ONBOARD_WRAPPED_LABEL valgrind)
endif()
set(ONBOARD_UNIT_DIR lib/systemd/system CACHE STRING "Where systemd's units are installed")
option(ONBOARD_HARDEN "Fortify, PIE, RELRO, stack protector" OFF)
option(ONBOARD_SMALL "Small programs: -Os, no unwind tables (debuggers have them in the debug information)" OFF)

if(ONBOARD_TESTS AND NOT ONBOARD_SERVICE)
	message(FATAL_ERROR "The tests run against onboard-service: ONBOARD_SERVICE=OFF needs ONBOARD_TESTS=OFF")
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_compile_definitions(_GNU_SOURCE ONBOARD_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wconversion -Wswitch-enum -Wvla -Wformat=2 -Wstrict-prototypes
	-Wmissing-prototypes -Wshadow -Wundef -Wpointer-arith -fno-common)
include_directories(${CMAKE_SOURCE_DIR})

if(ONBOARD_WERROR)
	add_compile_options(-Werror)
endif()
if(ONBOARD_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
	# Every program is to have it, which no static library gives.
	set(leaks ${CMAKE_BINARY_DIR}/leaks.o)
	execute_process(COMMAND ${CMAKE_C_COMPILER} -c -fPIC ${CMAKE_SOURCE_DIR}/tests/leaks.c -o ${leaks} COMMAND_ERROR_IS_FATAL ANY)
	add_link_options(${leaks})
	# A third of a second and 128 MiB for each password of the tests would be most of what they take.
	add_compile_definitions(PASSWORD_LOG2_N=10)
endif()
if(ONBOARD_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(ONBOARD_COVERAGE)
	add_compile_options(--coverage)
	add_link_options(--coverage)
endif()
if(ONBOARD_HARDEN)
	add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
		-ffunction-sections -fdata-sections)
	add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed)
endif()

if(ONBOARD_SMALL)
	add_compile_options(-Os -fno-asynchronous-unwind-tables -fno-unwind-tables)
	# The loader's list of pointers to adjust, 30 kB in the agent, as a bit each; for loaders that can read it.
	include(CheckCSourceCompiles)
	include(CheckLinkerFlag)
	check_c_source_compiles("#include <features.h>
		#if !__GLIBC_PREREQ(2, 36)
		#error
		#endif
		int main(void) { return 0; }" ONBOARD_LIBC_READS_RELR)
	check_linker_flag(C -Wl,-z,pack-relative-relocs ONBOARD_LINKER_WRITES_RELR)
	if(ONBOARD_LIBC_READS_RELR AND ONBOARD_LINKER_WRITES_RELR)
		add_link_options(-Wl,-z,pack-relative-relocs)
	endif()
endif()

# onboard_library(NAME SOURCES a.c ... LIBS x y ...): the static library ob_NAME of this folder.
function(onboard_library name)
	cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
	add_library(ob_${name} STATIC ${ARG_SOURCES})
	target_link_libraries(ob_${name} PUBLIC ${ARG_LIBS})
endfunction()

# onboard_unit_tests(NAME LIBS ...): every test_*.c of the folder is one cmocka program, ctest label "unit".
function(onboard_unit_tests)
	cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
	file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.c)
	foreach(source ${tests})
		get_filename_component(stem ${source} NAME_WE)
		add_executable(${stem} ${source})
		target_link_libraries(${stem} PRIVATE ${ARG_LIBS} dep_cmocka)
		add_test(NAME unit/${stem} COMMAND ${ONBOARD_TEST_WRAPPER} $<TARGET_FILE:${stem}>)
		set_tests_properties(unit/${stem} PROPERTIES LABELS unit TIMEOUT 240
			ENVIRONMENT "ONBOARD_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
	endforeach()
endfunction()
