#!/bin/bash
# install_test.sh BUILD_DIR: what `cmake --install` leaves can be used by pkg-config (shared and static) and by
# find_package, and the header compiles as strict C11 and C++17. A program that uses the shared library needs nothing of
# the libraries that libmas.so is linked with.
set -euo pipefail
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --component sdk --prefix "$work/usr" >"$work/log" || { cat "$work/log"; exit 1; }
pc=$(find "$work/usr" -name mas.pc)
unset PKG_CONFIG_PATH
export PKG_CONFIG_LIBDIR=${pc%/*}  # the only place: nothing but mas.pc is found
lib=$(dirname "$(find "$work/usr" -name libmas.so)")

cat >"$work/app.c" <<'C'
#include <mas.h>
#include <stdio.h>
int main(void) {
  puts(mas_version());
  mas_agent *agent;
  mas_status status = mas_agent_new("not an id", NULL, &agent);
  return mas_version_compatible(MAS_VERSION) && status == MAS_INVALID_ARGUMENT ? 0 : 1;
}
C
strict="-Wall -Wextra -Werror -pedantic"
[[ $(cd "${pc%/*}" && echo *) == mas.pc ]]
flags() { pkg-config --define-variable=prefix="$work/usr" "$@" mas; }
shared=$(flags --cflags --libs)
static=$(flags --static --libs)
[[ $(xargs -n 1 <<<"$shared" | sort | xargs) == "-I$work/usr/include -L$lib -lmas" ]] || { echo "flags: $shared"; exit 1; }
cc -std=c11 $strict "$work/app.c" -o "$work/shared" $shared
LD_LIBRARY_PATH=$lib "$work/shared"
objdump -p "$work/shared" | grep -q 'NEEDED.*libmas\.so\.0$'
cc -std=c11 $strict "$work/app.c" -o "$work/static" $(flags --cflags) -l:libmas.a $static -Wl,--as-needed
"$work/static"
! objdump -p "$work/static" | grep -q 'NEEDED.*libmas'
printf '#include <mas_schema.h>\n#include <mas.hpp>\n' | c++ -std=c++17 $strict -Wold-style-cast -fsyntax-only -x c++ - $(flags --cflags)

cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(app C)
find_package(MAS 0.1 REQUIRED)
get_target_property(linked MAS::mas INTERFACE_LINK_LIBRARIES)
if(linked)
  message(FATAL_ERROR "MAS::mas asks for ${linked}")
endif()
add_executable(app app.c)
target_link_libraries(app MAS::mas)
CMAKE
cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/usr" >"$work/log" && cmake --build "$work/build" >>"$work/log" ||
  { cat "$work/log"; exit 1; }
"$work/build/app"
[[ -f $work/usr/share/mas/examples/calculator.c ]]
[[ $(cat "$work/usr/share/man/man3/mas_agent_send.3") == ".so man3/mas_message.3" && -f $work/usr/share/man/man3/mas.3 ]]

# The Python package finds the installed library as the system's loader does.
python=$(find "$work/usr" -path '*/mas/__init__.py')
found=$(LD_LIBRARY_PATH=$lib PYTHONPATH=${python%/mas/*} python3 -B -m mas --version)
[[ $found == "mas "*" ($lib/libmas.so."*")" ]]
