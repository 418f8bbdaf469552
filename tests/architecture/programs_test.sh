#!/bin/sh
# programs_test.sh SERVER CLIENT TORCH: the server's program holds nothing that could decrypt or hold a secret key, and
# neither program loads LibTorch as it starts. That the client's program, and the library that it trains with, have these
# shows that this test would see them.
set -eu

server=$1
client=$2
torch=$3
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

symbols() { nm -C "$1"; }

for word in 'cryptotl::.*SecretKey' 'cryptotl::.*[Dd]ecrypt'; do
  if symbols "$server" | grep -q "$word"; then
    fail "$server has symbols of $word:"
    symbols "$server" | grep "$word" | head -5
  fi
  symbols "$client" | grep -q "$word" || fail "$client has no symbol of $word, so this test sees nothing"
done
symbols "$server" | grep -q 'cryptotl::' || fail "$server has no symbols of ours: is it stripped?"

for program in "$server" "$client"; do
  if ldd "$program" | grep -Ei 'torch|libc10'; then fail "$program links LibTorch"; fi
done
ldd "$torch" | grep -q libc10 || fail "$torch does not link LibTorch, so this test sees nothing"

[ "$failures" -eq 0 ] && echo "the programs start without LibTorch, the server's is free of decryption and secret keys"
exit "$failures"
