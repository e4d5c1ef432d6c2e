#!/usr/bin/env bash
# modules.sh FOLDER...: installs the JavaScript packages that the lock file of each
# folder pins, unless they are there.
set -euo pipefail

for folder in "$@"; do
  lock=$folder/package-lock.json stamp=$folder/node_modules/.installed
  if [[ -f $stamp ]] && cmp -s "$lock" "$stamp"; then
    continue
  fi
  echo "installing the packages of $lock"
  npm --prefix "$folder" ci --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
  cp "$lock" "$stamp"
done
