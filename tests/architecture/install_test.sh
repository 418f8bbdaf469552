#!/bin/sh
# install_test.sh CMAKE BUILD: installs the build into a folder of its own, trains with the program there, then builds
# and runs a program that finds the libraries there with find_package(cryptotl).
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

  # What trains is a library that the program finds beside it, and says so where it does not.
  awk -v OFS=, 'BEGIN { srand(1); for (i = 0; i < 40; ++i) print rand() + i % 2, rand(), rand(), i % 2 }' \
    >"$scratch/rows.csv"
  pretrain() {
    "$scratch/prefix/bin/cryptotl" pretrain --data "$scratch/rows.csv" --model "$scratch/$1" --epochs 1 --quiet
  }
  pretrain model >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  find "$scratch/prefix" -name 'libcryptotl_torch.so*' -exec rm {} +
  if pretrain none >"$scratch/log" 2>&1 || [ -e "$scratch/none" ]; then
    echo "trains without its library"
    exit 1
  fi
  grep -q '^cryptotl: training needs libcryptotl_torch.so' "$scratch/log" || { cat "$scratch/log"; exit 1; }
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
