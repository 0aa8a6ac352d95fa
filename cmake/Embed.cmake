# SPDX-License-Identifier: Apache-2.0
# Files of the portal inside of the program.
#
# onboard_embed(OUT NAME FOLDER=PREFIX...): a C file OUT, in the build folder, with the table NAME of struct portal_asset
# and its length, NAME_len. Every file below FOLDER whose name ends in a known extension is served as PREFIX and its path in
# FOLDER. Two files for one path are an error.
#
# With cmake -P it is that generator: -DOUT= -DNAME= -DLIST= (a file with a line FOLDER=PREFIX=PATH for each).

set(ONBOARD_EMBED_EXTENSIONS html css js mjs svg png ico webp woff2 json webmanifest txt wasm)

function(onboard_embed out name)
	set(lines "")
	set(files "")
	foreach(pair ${ARGN})
		string(REGEX MATCH "^(.*)=([^=]*)$" matched "${pair}")
		set(folder "${CMAKE_MATCH_1}")
		set(prefix "${CMAKE_MATCH_2}")
		set(globs "")
		foreach(extension ${ONBOARD_EMBED_EXTENSIONS})
			list(APPEND globs "${folder}/*.${extension}")
		endforeach()
		file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${folder} ${globs})
		list(SORT found)
		foreach(path ${found})
			if(path MATCHES "(^|/)(node_modules|tests?)/")
				continue()
			endif()
			string(APPEND lines "${folder}=${prefix}=${path}\n")
			list(APPEND files "${folder}/${path}")
		endforeach()
	endforeach()
	set(list_file ${out}.list)
	file(CONFIGURE OUTPUT ${list_file} CONTENT "${lines}" @ONLY)
	add_custom_command(OUTPUT ${out}
		COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAME=${name} -DLIST=${list_file}
			-P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
		DEPENDS ${files} ${list_file} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
		COMMENT "Embedding ${name}" VERBATIM)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
	return()
endif()
cmake_minimum_required(VERSION 3.25)

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_mjs "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_png "image/png")
set(type_ico "image/x-icon")
set(type_webp "image/webp")
set(type_woff2 "font/woff2")
set(type_json "application/json")
set(type_webmanifest "application/manifest+json")
set(type_txt "text/plain; charset=utf-8")
set(type_wasm "application/wasm")

set(blobs "")
set(rows "")
set(seen "")
set(n 0)
file(STRINGS ${LIST} lines)
foreach(line ${lines})
	string(REGEX MATCH "^(.*)=([^=]*)=([^=]*)$" matched "${line}")
	set(file "${CMAKE_MATCH_1}/${CMAKE_MATCH_3}")
	set(path "${CMAKE_MATCH_2}${CMAKE_MATCH_3}")
	# What needs no escapes, in C, in an assembler's string and in a URL.
	if(NOT path MATCHES "^[A-Za-z0-9._/-]+$" OR NOT file MATCHES "^[A-Za-z0-9._/+~@ -]+$")
		message(FATAL_ERROR "${file}: rename it: letters, digits and . _ - only")
	endif()
	if(path IN_LIST seen)
		message(FATAL_ERROR "${file}: ${path} is there twice")
	endif()
	list(APPEND seen "${path}")
	get_filename_component(extension "${path}" LAST_EXT)
	string(SUBSTRING "${extension}" 1 -1 extension)
	file(SHA256 "${file}" digest)
	string(SUBSTRING "${digest}" 0 32 digest)
	file(SIZE "${file}" size)
	string(APPEND blobs "__asm__(\".section .rodata\\n\"\n"
		"\t\".balign 16\\n\"\n"
		"\t\".global ${NAME}_${n}\\n\"\n"
		"\t\"${NAME}_${n}:\\n\"\n"
		"\t\".incbin \\\"${file}\\\"\\n\"\n"
		"\t\".byte 0\\n\"\n"
		"\t\".previous\\n\");\n"
		"extern const unsigned char ${NAME}_${n}[];\n")
	string(APPEND rows "\t{\"${path}\", \"${type_${extension}}\", \"\\\"${digest}\\\"\", ${NAME}_${n}, ${size}},\n")
	math(EXPR n "${n} + 1")
endforeach()
# An array of nothing is not C.
string(APPEND rows "\t{0, 0, 0, 0, 0},\n")
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "/* Made by cmake/Embed.cmake. */
#include \"service/portal_assets.h\"

${blobs}
const struct portal_asset ${NAME}[] = {
${rows}};
const size_t ${NAME}_len = ${n};
")
