#!/usr/bin/env bash
# need.sh TOOL...: sees to it that each tool is on this machine. Missing ones
# are installed with apt-get, as root or through sudo; where that cannot be
# done, it says what is missing and what to type.
#
# Tools: postgresql (the server programs, 15 or newer), cc (a C compiler, which
# Go's race detector needs), make, openssl, curl, jq, node (JavaScript, 18 or newer, with npm),
# chromium (the browser, with a font), pdftoppm (pictures of PDF).
set -euo pipefail

oldest_postgresql=15

# The same places, in the same order, as internal/local looks in.
has_postgresql() {
  local dir version
  for dir in "${PG_BINDIR:-}" /usr/lib/postgresql/*/bin "$(initdb_on_path)"; do
    if [[ -n $dir && -x $dir/initdb && -x $dir/postgres ]]; then
      version=$("$dir/initdb" --version | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
      if [[ ${version:-0} -ge $oldest_postgresql ]]; then
        return 0
      fi
    fi
    # A directory that was asked for is the only one.
    if [[ -n ${PG_BINDIR:-} ]]; then
      return 1
    fi
  done
  return 1
}

initdb_on_path() {
  local found
  found=$(command -v initdb) && dirname "$(readlink -f "$found")" || true
}

has_cc() { command -v "${CC:-gcc}" >/dev/null || command -v cc >/dev/null; }

has_make() { command -v make >/dev/null; }

has_openssl() { command -v openssl >/dev/null; }

has_curl() { command -v curl >/dev/null; }

has_jq() { command -v jq >/dev/null; }

has_node() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'
}

has_chromium() {
  command -v "${CHROMIUM:-chromium}" >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

has_pdftoppm() { command -v pdftoppm >/dev/null; }

# packages TOOL: what Debian and Ubuntu call it.
packages() {
  case $1 in
    cc) echo gcc libc6-dev ;;
    node) echo nodejs npm ;;
    chromium) echo chromium fonts-dejavu-core ;;
    pdftoppm) echo poppler-utils ;;
    *) echo "$1" ;;
  esac
}

usage() {
  echo "usage: $0 postgresql|cc|make|openssl|curl|jq|node|chromium|pdftoppm ..." >&2
  exit 2
}

missing=()
for tool in "$@"; do
  case $tool in
    postgresql | cc | make | openssl | curl | jq | node | chromium | pdftoppm) ;;
    *) usage ;;
  esac
  "has_$tool" || missing+=("$tool")
done
[[ $# -gt 0 ]] || usage
[[ ${#missing[@]} -gt 0 ]] || exit 0

wanted=()
for tool in "${missing[@]}"; do
  read -ra names <<<"$(packages "$tool")"
  wanted+=("${names[@]}")
done

give_up() {
  echo "missing: ${missing[*]}. $1" >&2
  exit 1
}

if [[ -n ${PG_BINDIR:-} && " ${missing[*]} " == *" postgresql "* ]]; then
  give_up "PG_BINDIR is set to $PG_BINDIR, which has no PostgreSQL $oldest_postgresql or newer: correct or unset it."
fi
if ! command -v apt-get >/dev/null; then
  give_up "There is no apt-get here. Install with this system's package manager what Debian calls: ${wanted[*]} (PostgreSQL $oldest_postgresql or newer; set PG_BINDIR if its programs are not on the PATH)."
fi
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    give_up "As root, type: apt-get install ${wanted[*]}"
  fi
  as_root=(sudo)
fi

echo "installing with apt-get: ${wanted[*]}"
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
# A fresh machine has no package lists yet, and an old one stale ones.
"${install[@]}" update >/dev/null &&
  "${install[@]}" install --yes --no-install-recommends "${wanted[@]}" >/dev/null ||
  give_up "apt-get could not install them; type: ${as_root[*]:+sudo }apt-get install ${wanted[*]}"

for tool in "${missing[@]}"; do
  "has_$tool" || give_up "apt-get installed ${wanted[*]}, and $tool is still not to be found (is it older than $oldest_postgresql?)."
done
