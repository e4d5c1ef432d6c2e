#!/usr/bin/env bash
# secrets.sh: draws the secrets of docker-compose.yml into deploy/secrets, where
# they are missing. The folder is closed to others; the files in it are readable,
# because containers read them as users of their own.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p -m 0700 secrets

if [[ ! -e secrets/postgres_password ]]; then
  head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >secrets/postgres_password
fi
printf 'postgres:5432:berkas:berkas:%s\n' "$(cat secrets/postgres_password)" >secrets/pgpass
chmod 0444 secrets/postgres_password secrets/pgpass
echo "The secrets are in $PWD/secrets."
