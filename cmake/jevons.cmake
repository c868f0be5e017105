# What every target of the project shares: warnings, arithmetic flags, sanitizers,
# and one function for each kind of target.

add_library(jevons_flags INTERFACE)
target_include_directories(jevons_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(jevons_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wno-sign-conversion -Werror
  # A multiply and an add become one instruction only where the code says so: logits
  # must not depend on the compiler's mood (docs/DECISIONS.md, one arithmetic).
  -ffp-contract=off -fno-math-errno
  # g++ 12 raises it falsely for a string literal plus a string (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # std::stable_sort of libstdc++ 12 uses what it calls deprecated itself; g++ keeps the warning.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
if(JEVONS_SANITIZE)
  target_compile_options(jevons_flags INTERFACE
    -fsanitize=${JEVONS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(jevons_flags INTERFACE -fsanitize=${JEVONS_SANITIZE})
  # g++ 12 raises false alarms about libstdc++ itself when sanitizers are on.
  target_compile_options(jevons_flags INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds>)
endif()
if(JEVONS_FUZZ)
  target_compile_options(jevons_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# jevons_room(NAME SOURCES a.cpp b.cpp DEPENDS base kernels [LIBRARIES fmt::fmt])
function(jevons_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(jevons_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(jevons_${name} PUBLIC jevons_flags ${ROOM_LIBRARIES})
  foreach(room ${ROOM_DEPENDS})
    target_link_libraries(jevons_${name} PUBLIC jevons_${room})
  endforeach()
endfunction()

# jevons_test(ROOM a_test.cpp b_test.cpp [DEPENDS other rooms]): one binary for a room.
function(jevons_test room)
  cmake_parse_arguments(TEST "" "" "DEPENDS;LIBRARIES" ${ARGN})
  add_executable(${room}_test ${TEST_UNPARSED_ARGUMENTS})
  target_link_libraries(${room}_test PRIVATE jevons_${room} GTest::gtest_main GTest::gmock
    ${TEST_LIBRARIES})
  foreach(other ${TEST_DEPENDS})
    target_link_libraries(${room}_test PRIVATE jevons_${other})
  endforeach()
  # Tests that do no arithmetic of their own compile in half the time so, and g++ 12 raises fewer
  # false alarms about libstdc++.
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND room MATCHES "^(api|app|base|engine|meter|text)$")
    target_compile_options(${room}_test PRIVATE -O1)
  endif()
  target_include_directories(${room}_test PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${room}_test PRIVATE
    JEVONS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" JEVONS_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${room}_test TEST_PREFIX "${room}." DISCOVERY_TIMEOUT 120
    PROPERTIES TIMEOUT 600)
endfunction()

# jevons_fuzz(NAME DEPENDS rooms): fuzz/NAME_fuzz.cpp as a libFuzzer binary under clang,
# and always as a replay of fuzz/corpus/NAME that runs with the tests.
function(jevons_fuzz name)
  cmake_parse_arguments(FUZZ "" "" "DEPENDS" ${ARGN})
  if(JEVONS_FUZZ)
    add_executable(${name}_fuzz ${name}_fuzz.cpp)
    target_include_directories(${name}_fuzz PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    foreach(room ${FUZZ_DEPENDS})
      target_link_libraries(${name}_fuzz PRIVATE jevons_${room})
    endforeach()
  endif()
  if(JEVONS_TESTS)
    add_executable(${name}_replay ${name}_fuzz.cpp replay_main.cpp)
    target_include_directories(${name}_replay PRIVATE ${PROJECT_SOURCE_DIR})
    foreach(room ${FUZZ_DEPENDS})
      target_link_libraries(${name}_replay PRIVATE jevons_${room})
    endforeach()
    add_test(NAME fuzz_replay.${name}
      COMMAND ${name}_replay ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  endif()
endfunction()
