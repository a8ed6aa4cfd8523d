# One CMake target per folder; its link list is its row of the include table (tests/style checks the includes).
include_guard()

# What nearly every file reads, compiled once: half the time of a small file goes into these headers. Files include what they use all
# the same; the build for fuzzing has no precompiled headers and says so where one does not.
set(WEIR_HEADERS <algorithm> <array> <chrono> <deque> <filesystem> <fmt/format.h> <functional> <map> <memory> <mutex> <optional> <set>
  <span> <string> <string_view> <tl/expected.hpp> <unordered_map> <utility> <variant> <vector>)

# weir_folder(TARGET [LINK lib...] [FAULTS file.cc...] [QUICKLY] [HEADERS header...])
#   All *.cc of the current folder become one static library (an interface library where there are none).
#   QUICKLY: compiled without the costlier optimisations, see below. HEADERS: what its files read beside WEIR_HEADERS.
#   FAULTS names the files that contain fail points: they are compiled a second time with WEIR_FAULTS=1 into
#   TARGET_faults, which only `weir-faults` and `weir-sim` link, ahead of the plain library.
function(weir_folder target)
  cmake_parse_arguments(ARG "QUICKLY" "" "LINK;FAULTS;GENERATED;HEADERS" ${ARGN})
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
  if(ARG_QUICKLY)
    weir_compile_quickly(${target})
  endif()
  # One set for all that are compiled alike; weir_base, the first of them, has it made.
  if(ARG_QUICKLY OR ARG_HEADERS OR target STREQUAL weir_base)
    target_precompile_headers(${target} PRIVATE ${WEIR_HEADERS} ${ARG_HEADERS})
  else()
    target_precompile_headers(${target} REUSE_FROM weir_base)
  endif()
  if(ARG_FAULTS)
    add_library(${target}_faults OBJECT ${ARG_FAULTS})
    target_compile_definitions(${target}_faults PRIVATE WEIR_FAULTS=1)
    target_include_directories(${target}_faults PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
    target_link_libraries(${target}_faults PRIVATE ${ARG_LINK} weir_options)
    target_precompile_headers(${target}_faults REUSE_FROM weir_base)
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
  target_precompile_headers(${name} REUSE_FROM weir_test_headers)
  add_test(NAME ${name} COMMAND ${name} --durations no WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 600)
endfunction()
