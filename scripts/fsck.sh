#!/usr/bin/env bash
# fsck.sh: sees to it that the log can be checked by a program that others wrote,
# Tessera's fsck, and prints where it is. It is built once and kept in the user's
# cache; nothing of it becomes part of berkas.
set -euo pipefail

version=v1.0.4
package=github.com/transparency-dev/tessera/cmd/fsck

folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/berkas/fsck-$version
if [[ ! -x $folder/fsck ]]; then
  mkdir -p "$folder"
  fresh=$(mktemp -d -p "$folder")
  trap 'rm -rf "$fresh"' EXIT
  if ! GOFLAGS='' GOBIN=$fresh go install "$package@$version" >&2; then
    echo "fsck is missing and could not be built. Where there is a network: GOBIN=$folder go install $package@$version" >&2
    exit 1
  fi
  mv "$fresh/fsck" "$folder/fsck"
fi
echo "$folder/fsck"
