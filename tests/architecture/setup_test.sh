#!/bin/sh
# setup_test.sh: what tools/setup does with the system's own tools replaced by ones that note how they are called.
set -eu

setup=$(cd ../.. && pwd)/tools/setup
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

expect() { # expect WHAT COMMAND...
  what=$1
  shift
  if ! "$@"; then
    echo "FAILED: $what"
    cat "$scratch/out"
    failures=$((failures + 1))
  fi
}
tool() { # tool NAME: a program of that name whose body is read from standard input
  { echo '#!/bin/sh'; cat; } >"$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}
run() { # the set-up sees these tools alone
  : >"$scratch/calls"
  status=0
  PATH="$scratch/bin" /bin/sh "$setup" >"$scratch/out" 2>&1 </dev/null || status=$?
}
said() { grep -q -e "$1" "$scratch/out"; }
called() { grep -q -e "$1" "$scratch/calls"; }
quiet() { ! [ -s "$scratch/calls" ]; }
ended() { [ "$status" = "$1" ]; }

grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || { echo "not Debian 12: nothing to see"; exit 77; }
mkdir "$scratch/bin"
ln -s /bin/sh /bin/grep "$scratch/bin"
tool apt-get <<END
echo "apt-get \$*" >>"$scratch/calls"
END
tool id <<END
cat "$scratch/user" 2>/dev/null || /usr/bin/id "\$@"
END
ln -s /bin/cat "$scratch/bin"

echo 0 >"$scratch/user"
tool dpkg-query <<'END'
for argument; do case $argument in -*) ;; *) echo "installed $argument" ;; esac; done
END
run
expect "it succeeds where nothing is missing" ended 0
expect "it installs nothing where nothing is missing" quiet

# One package is gone, one is half-removed.
tool dpkg-query <<'END'
for argument; do
  case $argument in
    -* | libsodium-dev) ;;
    cmake) echo "config-files cmake" ;;
    *) echo "installed $argument" ;;
  esac
done
exit 1
END
run
expect "root's set-up succeeds" ended 0
expect "root's set-up updates the lists" called '^apt-get update$'
expect "root's set-up installs what is missing and nothing else" \
  called '^apt-get install -y --no-install-recommends cmake libsodium-dev$'

echo 1000 >"$scratch/user"
run
expect "without root and sudo it ends with 1" ended 1
expect "without root and sudo it installs nothing" quiet
expect "without root and sudo it prints the line to run" \
  said '^apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install .* cmake libsodium-dev$'

tool sudo <<END
[ "\$1" = -n ] && exit 0
echo "sudo" >>"$scratch/calls"
exec "\$@"
END
ln -s /bin/true "$scratch/bin"
run
expect "sudo is used where it is there" called '^sudo$'
expect "sudo installs what is missing" called '^apt-get install .* cmake libsodium-dev$'

tool apt-get <<END
exit 100
END
run
expect "a failed installation is a failure" ended 100

[ "$failures" -eq 0 ] && echo "tools/setup does what it says"
exit "$failures"
