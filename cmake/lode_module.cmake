# lode_module(NAME SOURCES ... [TESTS ...] [DEPENDS module ...] [LIBS target ...])
#
# Declares the static library lode_NAME from this folder and, where there are tests, the executable
# NAME_test. DEPENDS are other Lode modules (public); LIBS are third-party targets, which stay
# private so that no other module's sources see their headers by accident.
function(lode_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;TESTS;DEPENDS;LIBS;PUBLIC_LIBS" ${ARGN})
  list(TRANSFORM arg_DEPENDS PREPEND lode_)
  add_library(lode_${name} STATIC ${arg_SOURCES})
  target_include_directories(lode_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(lode_${name} PUBLIC ${arg_DEPENDS} ${arg_PUBLIC_LIBS} PRIVATE ${arg_LIBS} lode_warnings)
  if(LODE_TESTS AND arg_TESTS)
    lode_test(${name}_test SOURCES ${arg_TESTS} DEPENDS ${name} LIBS ${arg_LIBS})
  endif()
endfunction()

# lode_test(NAME SOURCES ... [DEPENDS module ...] [LIBS target ...] [LABEL unit|golden|integration] [TIMEOUT s] [WHOLE])
#
# Tests that link libtorch get the label `torch` besides, and the target `torch_tests` builds them all.
#
# WHOLE: one entry for ctest instead of one a TEST, where starting the program costs more than running it.
function(lode_test name)
  cmake_parse_arguments(arg "WHOLE" "LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBS" ${ARGN})
  list(TRANSFORM arg_DEPENDS PREPEND lode_)
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} ${arg_LIBS} GTest::gtest GTest::gmock GTest::gtest_main lode_warnings)
  target_compile_definitions(${name} PRIVATE LODE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" LODE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set(labels ${arg_LABEL})
  lode_links_torch(${name} links_torch)
  if(links_torch)
    list(APPEND labels torch)
    if(NOT TARGET torch_tests)
      add_custom_target(torch_tests)
    endif()
    add_dependencies(torch_tests ${name})
  endif()
  if(arg_WHOLE)
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${arg_TIMEOUT})
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
      PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
    if(links_torch)  # gtest_discover_tests flattens a list of labels, so they are set once it has run
      set(script ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
      file(CONFIGURE OUTPUT ${script} @ONLY CONTENT [[
if(@name@_TESTS)
  set_tests_properties(${@name@_TESTS} PROPERTIES LABELS "@labels@")
endif()
]])
      set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${script})
    endif()
  endif()
endfunction()
