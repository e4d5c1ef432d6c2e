#!/usr/bin/env bash
# vendor.sh: fetches the packages that the pages' vendored files come from, at
# the versions that their names say and with the digests below, and compares the
# files byte by byte with those in web/static/vendor. With --write it puts them
# there. npm checks each package against its digest while fetching.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=web/static/vendor
# package, version, SHA-512 as npm writes it
packages=(
  "htmx.org 4.0.1 sha512-oF7JgXhDW9UXCy/k1ZYFUQgzu/rm19ORWPSPNL91vPluB2PB9+MV55tyQdH/w7o2EAbTYUG5SDW1R60mdkdqGg=="
)
# file in a package, file here
files=(
  "htmx.org/dist/htmx.min.js htmx-4.0.1.min.js"
  "htmx.org/LICENSE htmx-LICENSE.txt"
)

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
for package in "${packages[@]}"; do
  read -r name version digest <<<"$package"
  mkdir "$temporary/$name"
  got=$(cd "$temporary" && npm pack --json --loglevel=error "$name@$version")
  if [[ $got != *"\"integrity\": \"$digest\""* ]]; then
    echo "$name $version is not what it was when it was taken in" >&2
    exit 1
  fi
  tar -xzf "$temporary/$name-$version.tgz" -C "$temporary/$name" --strip-components=1
done

stale=0
for file in "${files[@]}"; do
  read -r from to <<<"$file"
  if [[ ${1:-} == --write ]]; then
    cp "$temporary/$from" "$folder/$to"
  elif ! cmp "$temporary/$from" "$folder/$to"; then
    stale=1
  fi
done
if ((stale)); then
  echo "vendored files are not those of their packages: scripts/vendor.sh --write" >&2
  exit 1
fi
