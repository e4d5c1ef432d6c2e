#!/usr/bin/env bash
# fuzz.sh [TIME]: runs every Fuzz function of the repository for TIME each
# (default 5s), one after the other; a package's are built once. A finding is
# written to testdata/fuzz of its package and makes this fail; the others are
# still tried.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-5s}
module=$(go list -m)
cache=$(go env GOCACHE)/fuzz # where `go test -fuzz` keeps what it found interesting
binary=$(mktemp -d)
trap 'rm -rf "$binary"' EXIT
found=0
built=
failed=()
while IFS=: read -r file line; do
  name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/' <<<"$line")
  package=$(dirname "$file")
  found=$((found + 1))
  echo "fuzz $package $name"
  if [[ $package != "$built" ]]; then
    go test -c -fuzz=Fuzz -o "$binary/fuzz.test" "$package"
    built=$package
  fi
  fuzz() {
    (cd "$package" && "$binary/fuzz.test" -test.run='^$' -test.fuzz="^$name\$" -test.fuzztime="$time" \
      -test.fuzzcachedir="$cache/$module/${package#./}" 2>&1)
  }
  if ! out=$(fuzz); then
    # At the end of the time the fuzzer at times fails with its own deadline and
    # no input: that is no finding, and is tried once more.
    if grep -q 'context deadline exceeded' <<<"$out" && ! grep -q 'Failing input' <<<"$out"; then
      out=$(fuzz) && continue
    fi
    echo "$out"
    failed+=("$package $name")
  elif ! grep -q '^fuzz: elapsed' <<<"$out"; then
    echo "$out"
    failed+=("$package $name (was not run)")
  fi
done < <(grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | sort)

echo "fuzzed $found functions for $time each"
if [[ $found -eq 0 ]]; then
  echo "not one Fuzz function found" >&2
  exit 1
fi
if [[ ${#failed[@]} -gt 0 ]]; then
  printf 'failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
