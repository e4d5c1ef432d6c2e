#!/usr/bin/env bash
# browser.sh: sees to it that the pages can be tested in a browser: Chromium,
# Node.js 20 or newer, and the JavaScript packages that the lock files pin. Some
# systems' Node.js is older; then one comes from the registry, beside the test.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=web/testdata/browser
scripts/need.sh node chromium
scripts/modules.sh "$folder"

if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
  lock=$folder/node/package-lock.json stamp=$folder/node/node_modules/.installed
  if ! { [[ -f $stamp ]] && cmp -s "$lock" "$stamp"; }; then
    echo "installing the Node.js of $lock"
    npm --prefix "$folder/node" ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$lock" "$stamp"
  fi
fi
