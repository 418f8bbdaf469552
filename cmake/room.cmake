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

# cryptotl_unity(TARGET): four source files at a time. Half of a file's compilation is what it includes. Names in
# anonymous namespaces must differ among neighbours.
function(cryptotl_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
endfunction()

# GCC's warnings are errors in all code of ours (Clang is for fuzzing alone); the hardening flags cost nothing that the
# benchmarks can see.
function(cryptotl_warnings target)
  # -Wno-restrict: GCC 12 reports string concatenations that are right (its bug 105651).
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow
                         "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Werror>" -fstack-protector-strong)
  if(CRYPTOTL_SANITIZE)
    # Null pointers and objects' bounds are AddressSanitizer's to find; what UndefinedBehaviourSanitizer looks at for
    # them is a third of the compiler's work.
    target_compile_options(${target} PUBLIC -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
      -fno-sanitize=vptr,null,object-size,nonnull-attribute,returns-nonnull-attribute)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  if(CRYPTOTL_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# cryptotl_room_tests(NAME [ALONE REGEX] [LONG REGEX] [libraries...]): one GoogleTest program of every *_test.cc in the
# calling folder. Its suites are tests called NAME:... with the label NAME; under sanitizers, sanitize:NAME:... with the
# label sanitize. Suites that match ALONE run with nothing beside them. Those that match LONG are arithmetic that other
# suites go through too, for minutes under sanitizers: these have the label long there (`make test-long`).
#
# A process for each suite, not for each test: what a suite shares is made once.
function(cryptotl_room_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "ALONE;LONG" "")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  set(program cryptotl_${name}_tests)
  add_executable(${program} ${sources})
  target_link_libraries(${program} PRIVATE cryptotl_${name} ${room_UNPARSED_ARGUMENTS} GTest::gtest GTest::gmock
    GTest::gtest_main)
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${program} PRIVATE
    CRYPTOTL_SOURCE_DIR="${PROJECT_SOURCE_DIR}" CRYPTOTL_BINARY_DIR="${PROJECT_BINARY_DIR}")
  cryptotl_warnings(${program})
  cryptotl_unity(${program})
  # Tests spend their time in the rooms; what they are made of themselves is not worth the optimiser's, nor a look for
  # undefined behaviour.
  target_compile_options(${program} PRIVATE
    "$<IF:$<BOOL:${CRYPTOTL_SANITIZE}>,-O0;-fno-sanitize=undefined,-O1>")

  set(prefix ${name}:)
  set(label ${name})
  set(properties TIMEOUT 600)
  set(long "")
  if(CRYPTOTL_SANITIZE)
    # Memory that is not there has to look as it does without sanitizers.
    set(prefix sanitize:${name}:)
    set(label sanitize)
    set(long "${room_LONG}")
    set(properties TIMEOUT 1200 COST 10 ENVIRONMENT ASAN_OPTIONS=allocator_may_return_null=1)
  endif()
  set(suites ${CMAKE_CURRENT_BINARY_DIR}/${program}_suites.cmake)
  add_custom_command(TARGET ${program} POST_BUILD BYPRODUCTS ${suites} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${program}> -DPREFIX=${prefix} "-DALONE=${room_ALONE}"
      "-DLONG=${long}" -DLABEL=${label} "-DPROPERTIES=${properties}" -DOUT=${suites}
      -P ${PROJECT_SOURCE_DIR}/cmake/list_suites.cmake)
  # A program that is not built is a test that fails.
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${program}.cmake
    "include(\"${suites}\" OPTIONAL RESULT_VARIABLE found)\n"
    "if(NOT found)\n"
    "  add_test(${prefix}not_built ${program}_is_not_built)\n"
    "endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${program}.cmake)
endfunction()
