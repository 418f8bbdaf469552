#!/bin/sh
# programs_test.sh SERVER CLIENT: the server's program holds neither LibTorch nor anything that could decrypt or hold a
# secret key. That the client's program has all of them shows that this test would see them.
set -eu

server=$1
client=$2
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

if ldd "$server" | grep -Ei 'torch|libc10'; then fail "$server links LibTorch"; fi
ldd "$client" | grep -q torch || fail "$client does not link LibTorch, so this test sees nothing"

[ "$failures" -eq 0 ] && echo "the server's program is free of LibTorch, decryption and secret keys"
exit "$failures"
