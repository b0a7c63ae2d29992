# Warnings, sanitizers and include roots that every target of this tree shares, as the target `mas_flags`.
add_library(mas_flags INTERFACE)
target_include_directories(mas_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(mas_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wpedantic -Wcast-align -Wformat=2 -Wvla -Wnull-dereference
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual;-Wold-style-cast>
  -fno-omit-frame-pointer -fstack-protector-strong)
# g++ sees null dereferences through inlined library code at -O2 that are not there. At the -O3 of a Release build that
# does not use our preset, g++ 12 sees overlapping copies in `"text" + std::string` (GCC bug 105651), and writes past the
# end of a string in a loop over all of its characters.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(mas_flags INTERFACE
    -Wno-null-dereference $<$<CONFIG:Release>:-Wno-restrict$<SEMICOLON>-Wno-stringop-overflow>)
endif()
target_compile_definitions(mas_flags INTERFACE _GNU_SOURCE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(NOT MAS_SANITIZE)
  target_compile_definitions(mas_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
target_link_options(mas_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)

if(MAS_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # g++ 12 reports std::function's own storage under sanitizers
    target_compile_options(mas_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  target_compile_options(mas_flags INTERFACE -fsanitize=${MAS_SANITIZE} -fno-sanitize-recover=all -g)
  target_link_options(mas_flags INTERFACE -fsanitize=${MAS_SANITIZE})
endif()
if(MAS_BUILD_FUZZERS)  # what the fuzzers see is how the code under test branches
  target_compile_options(mas_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MAS_COVERAGE)
  target_compile_options(mas_flags INTERFACE --coverage)
  target_link_options(mas_flags INTERFACE --coverage)
endif()
