# cmake -DPROGRAM=... -DPREFIX=... -DALONE=... -DLONG=... -DLABEL=... -DPROPERTIES=... -DOUT=... -P list_suites.cmake:
# writes the file that tells CTest of every suite in a GoogleTest program. Suites whose names match ALONE run with nothing
# beside them; those that match LONG have the label long in place of LABEL.
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listing RESULT_VARIABLE failure TIMEOUT 60)
if(failure)
  message(FATAL_ERROR "${PROGRAM} --gtest_list_tests: ${failure}")
endif()

# A suite's line begins at its margin and ends with a dot, before the type that it may be made for.
string(REGEX MATCHALL "(^|\n)[A-Za-z0-9_/]+\\." suites "${listing}")
if(NOT suites)
  message(FATAL_ERROR "${PROGRAM} has no tests")
endif()
set(text "")
foreach(suite IN LISTS suites)
  string(REGEX REPLACE "[\n.]" "" suite "${suite}")
  set(properties LABELS ${LABEL} ${PROPERTIES})
  if(LONG AND suite MATCHES "${LONG}")
    set(properties LABELS long ${PROPERTIES})
  endif()
  if(ALONE AND suite MATCHES "${ALONE}")
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  list(JOIN properties " " properties)
  string(APPEND text "add_test([=[${PREFIX}${suite}]=] [=[${PROGRAM}]=] [=[--gtest_filter=${suite}.*]=])\n"
                     "set_tests_properties([=[${PREFIX}${suite}]=] PROPERTIES ${properties})\n")
endforeach()
file(WRITE ${OUT} "${text}")
