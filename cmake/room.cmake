# cryptotl_room(NAME [rooms and libraries that it uses...])
# One static library cryptotl_NAME of every source in the calling folder; its public headers are include/cryptotl/NAME.
function(cryptotl_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(cryptotl_${name} STATIC ${sources})
  add_library(cryptotl::${name} ALIAS cryptotl_${name})
  set_target_properties(cryptotl_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(cryptotl_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(cryptotl_${name} PUBLIC ${ARGN})
  cryptotl_warnings(cryptotl_${name})
endfunction()

# GCC's warnings are errors in all code of ours (Clang is for fuzzing alone); the hardening flags cost nothing that the
# benchmarks can see.
function(cryptotl_warnings target)
  # -Wno-restrict: GCC 12 reports string concatenations that are right (its bug 105651).
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow
                         "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Werror>" -fstack-protector-strong)
  if(CRYPTOTL_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  if(CRYPTOTL_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# cryptotl_room_tests(NAME [libraries...]): one GoogleTest program of every *_test.cc in the calling folder. Its tests
# are called NAME:... and carry the label NAME; under sanitizers, sanitize:NAME:... and the label sanitize.
function(cryptotl_room_tests name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(cryptotl_${name}_tests ${sources})
  target_link_libraries(cryptotl_${name}_tests PRIVATE cryptotl_${name} ${ARGN} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(cryptotl_${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(cryptotl_${name}_tests PRIVATE
    CRYPTOTL_SOURCE_DIR="${PROJECT_SOURCE_DIR}" CRYPTOTL_BINARY_DIR="${PROJECT_BINARY_DIR}")
  cryptotl_warnings(cryptotl_${name}_tests)
  set(prefix ${name}:)
  set(properties LABELS ${name} TIMEOUT 600)
  if(CRYPTOTL_SANITIZE)
    # Memory that is not there has to look as it does without sanitizers.
    set(prefix sanitize:${name}:)
    set(properties LABELS sanitize TIMEOUT 1200 ENVIRONMENT ASAN_OPTIONS=allocator_may_return_null=1)
  endif()
  gtest_discover_tests(cryptotl_${name}_tests TEST_PREFIX ${prefix} TEST_FILTER "-*Ticket*" DISCOVERY_TIMEOUT 60
    PROPERTIES ${properties})
  # Tickets are made in idle time, which other tests would take.
  gtest_discover_tests(cryptotl_${name}_tests TEST_PREFIX ${prefix} TEST_FILTER "*Ticket*" DISCOVERY_TIMEOUT 60
    TEST_LIST cryptotl_${name}_ticket_tests PROPERTIES ${properties} RUN_SERIAL TRUE)
endfunction()
