#!/usr/bin/env bash
# pictures.sh [FOLDER]: takes the pictures of docs/pages anew (default: there), over the
# ledger of a demo and two reports of auditors about it, one of a copy in which a
# letter was changed. Look at each of them before it is committed.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/need.sh postgresql pdftoppm
scripts/browser.sh
out=$(realpath "${1:-docs/pages}")
make -s build
berkas=$PWD/bin/berkas
work=$(mktemp -d)
chmod 755 "$work" # PostgreSQL's own user has to get through
BERKAS_HTTP=127.0.0.1:0 BERKAS_NATS_PORT=0 "$berkas" dev --demo --data "$work/data" >"$work/said" 2>&1 &
dev=$!
trap 'kill $dev 2>/dev/null; wait $dev || true; rm -rf "$work"' EXIT
until grep -q 'is running' "$work/said"; do
  kill -0 $dev || { cat "$work/said"; exit 1; }
  sleep 0.2
done

berkas() { "$berkas" "$@" --data "$work/data"; }
first() { berkas search "$1" -o json | grep -oE '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}' | head -1; }
url=$(berkas access bkn -o json | sed -n 's/.*"http": "\(.*\)".*/\1/p')
whole=$(first "contoh 9001 kasn 2024")
corrected=$(first "contoh 800 9101")

berkas trust >"$work/policy.txt"
berkas export "$work/copy"
tile=$(grep -rl CONTOH-9001 "$work/copy/tile/entries" | sort | head -1)
sed -i '0,/CONTOH-9001/s//CONTOH-9011/' "$tile"
mkdir -p "$work/data/audits"
audit() { "$berkas" audit --policy "$work/policy.txt" --report "$work/data/audits/$1.json" "${@:2}" >/dev/null; }
audit universitas-contoh --data "$work/data"
audit koran-contoh --from "$work/copy" && { echo "the changed copy passes" >&2; exit 1; }

sleep 5 # pages keep for some seconds what they know of the ledger's beginning and end
printf '{"out":"%s","whole":"%s","corrected":"%s"}' "$out" "$whole" "$corrected" >"$work/facts.json"
chromium=$(command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome)
node=$(ls -d web/testdata/browser/node/node_modules/node-linux-*/bin/node 2>/dev/null || command -v node)
(cd web/testdata/browser && "$(realpath "$node")" pictures.mjs "$chromium" "$url" "$work/facts.json")
curl -sSf "$url/v1/exports/cases/$corrected" -H 'Accept: application/pdf' -o "$work/case.pdf"
pdftoppm -r 90 -png -f 1 -l 1 -singlefile "$work/case.pdf" "$out/case-paper"
go test ./web -count 1 -run '^TestVerifyPageInBrowser$' -args -pictures "$out"
