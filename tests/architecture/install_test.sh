#!/bin/sh
# install_test.sh CMAKE BUILD: installs the build into a folder of its own, then builds and runs a program that finds it
# there with find_package(cryptotl).
set -eu

cmake=$1
build=$2
here=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The rooms' libraries alone where only those are built.
if [ -e "$build/cryptotl" ]; then
  "$cmake" --install "$build" --prefix "$scratch/prefix" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
  "$scratch/prefix/bin/cryptotl" --help >"$scratch/help"
  "$scratch/prefix/bin/cryptotl-server" --help >"$scratch/help"
else
  "$cmake" --install "$build" --prefix "$scratch/prefix" --component libraries >"$scratch/log"
fi
if grep -rl "$build" "$scratch/prefix/lib" --include='*.cmake'; then
  echo "the installed package points back into the build"
  exit 1
fi

"$cmake" -S "$here/consumer" -B "$scratch/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_BUILD_TYPE=Release
"$cmake" --build "$scratch/consumer"
answer=$("$scratch/consumer/consumer")
echo "the consumer says: $answer"
[ "$answer" = "3 * 7 = 21" ]
