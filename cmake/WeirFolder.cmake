# One CMake target per folder; its link list is its row of the include table (tests/style checks the includes).
include_guard()

# weir_folder(TARGET [LINK lib...] [FAULTS file.cc...])
#   All *.cc of the current folder become one static library (an interface library where there are none).
#   FAULTS names the files that contain fail points: they are compiled a second time with WEIR_FAULTS=1 into
#   TARGET_faults, which only `weir-faults` and `weir-sim` link, ahead of the plain library.
function(weir_folder target)
  cmake_parse_arguments(ARG "" "" "LINK;FAULTS;GENERATED" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(NOT sources AND NOT ARG_GENERATED)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE ${ARG_LINK})
    return()
  endif()
  add_library(${target} STATIC ${sources} ${ARG_GENERATED})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} PUBLIC ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(${target} PUBLIC ${ARG_LINK} PRIVATE weir_options)
  if(ARG_FAULTS)
    add_library(${target}_faults OBJECT ${ARG_FAULTS})
    target_compile_definitions(${target}_faults PRIVATE WEIR_FAULTS=1)
    target_include_directories(${target}_faults PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
    target_link_libraries(${target}_faults PRIVATE ${ARG_LINK} weir_options)
    set_property(GLOBAL APPEND PROPERTY WEIR_FAULT_OBJECTS ${target}_faults)
  endif()
endfunction()

# weir_compile_quickly(TARGET): what the release build compiles without the costlier optimisations, because it does not matter how
# fast it runs, and the build is to be short.
function(weir_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# weir_test(NAME [LABEL label] [LINK lib...]): all test_*.cc of the current folder become one Catch2 program, one ctest case.
function(weir_test name)
  cmake_parse_arguments(ARG "" "LABEL" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/test_*.cc")
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} weir_catch_main weir_options)
  weir_compile_quickly(${name})
  add_test(NAME ${name} COMMAND ${name} --durations no WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 600)
endfunction()
