# SPDX-License-Identifier: GPL-2.0-or-later
# leadglass_module(NAME SOURCES ... DEPENDS ... [LINK ...])
# One folder of src/ as a static library NAME, and, for the tests, as NAME-sanitised. DEPENDS are other modules,
# LINK outside libraries.
function(leadglass_module name)
	cmake_parse_arguments(M "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
	add_library(${name} STATIC ${M_SOURCES})
	target_link_libraries(${name} PUBLIC leadglass_compile ${M_DEPENDS} ${M_LINK})
	if(LEADGLASS_TESTS)
		add_library(${name}-sanitised STATIC EXCLUDE_FROM_ALL ${M_SOURCES})
		list(TRANSFORM M_DEPENDS APPEND -sanitised)
		target_link_libraries(${name}-sanitised PUBLIC leadglass_compile leadglass_sanitise ${M_DEPENDS} ${M_LINK})
	endif()
endfunction()

option(LEADGLASS_SANITISED_TESTS "build the sanitised tests along with everything else" ON)
function(leadglass_sanitised_test target)
	if(NOT LEADGLASS_SANITISED_TESTS)
		set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
	endif()
endfunction()

# leadglass_unit_test(NAME SOURCES ... DEPENDS modules ... [PLAIN_ONLY])
# A cmocka program, built and run twice: plain, and with ASan and UBSan (unless PLAIN_ONLY, which a test says why
# it needs).
function(leadglass_unit_test name)
	cmake_parse_arguments(T "PLAIN_ONLY" "" "SOURCES;DEPENDS" ${ARGN})
	add_executable(unit-${name} ${T_SOURCES})
	target_link_libraries(unit-${name} PRIVATE ${T_DEPENDS} PkgConfig::CMOCKA)
	add_test(NAME unit.${name} COMMAND unit-${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
	set_tests_properties(unit.${name} PROPERTIES LABELS unit)
	if(NOT T_PLAIN_ONLY)
		list(TRANSFORM T_DEPENDS APPEND -sanitised)
		add_executable(unit-${name}-sanitised ${T_SOURCES})
		target_link_libraries(unit-${name}-sanitised PRIVATE ${T_DEPENDS} PkgConfig::CMOCKA)
		add_test(NAME unit.${name}.sanitised COMMAND unit-${name}-sanitised
			WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
		set_tests_properties(unit.${name}.sanitised PROPERTIES LABELS unit)
		leadglass_sanitised_test(unit-${name}-sanitised)
	endif()
endfunction()
