#!/usr/bin/env bash
# generated.sh: fails if `go generate` would change a file, that is, if
# something was changed by hand or not made again.
set -euo pipefail
cd "$(dirname "$0")/.."

sums() {
  find . \( -path ./.git -o -path ./bin -o -path ./data \) -prune -o -type f -print0 |
    sort -z | xargs -0 sha256sum
}

before=$(sums)
go generate ./...
if ! changed=$(diff <(echo "$before") <(sums)); then
  echo "go generate changed these files; commit what it made:" >&2
  sed -n 's/^[<>] [^ ]*  //p' <<<"$changed" | sort -u >&2
  exit 1
fi
