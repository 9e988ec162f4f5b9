#!/usr/bin/env bash
# Packs a folder of golden cases (as generate.py leaves it) into golden.tar.gz, the same bytes for the same cases.
set -euo pipefail
cases="${1:?usage: pack.sh FOLDER-OF-CASES}"
out="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/golden.tar.gz"
cd "$cases"
ls -d ./*/ | LC_ALL=C sort | tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 \
    --mode='u=rwX,go=rX' -cf - -T - | gzip -n -9 >"$out"
