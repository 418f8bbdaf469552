#!/bin/sh
# device_test.sh DEVICE CLIENT: a program that encrypts with a public key holds nothing that could decrypt or hold a
# secret key. That the client's program has both shows that this test would see them.
set -eu

device=$1
client=$2
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

for word in 'cryptotl::.*SecretKey' 'cryptotl::.*[Dd]ecrypt'; do
  if nm -C "$device" | grep "$word"; then fail "$device has symbols of $word"; fi
  nm -C "$client" | grep -q "$word" || fail "$client has no symbol of $word, so this test sees nothing"
done
nm -C "$device" | grep -q 'cryptotl::encrypt_public' || fail "$device does not encrypt: is it stripped?"

[ "$failures" -eq 0 ] && echo "a device that encrypts is free of decryption and secret keys"
exit "$failures"
