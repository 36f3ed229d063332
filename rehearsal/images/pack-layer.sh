#!/usr/bin/env bash
# Packs the changes in STEP/upper as an OCI layer: STEP/blob (zstd) and STEP/diff-id (digest of the plain tar file).
#
#   pack-layer.sh STEP LOWER NEWEST
#
# NEWEST  files changed after this time (seconds since 1970) get the date of the newest file that is older: the
#         packages' own dates stay, and the same packages give the same layer on any day
set -euo pipefail

step=$1
lower=$2
newest=$3

cd "$step"
mkdir -p marks
: >marks.list

# Overlay keeps a deletion as a character device, a layer as an empty file named .wh.NAME beside it.
mark() {
  mkdir -p "marks/$(dirname "$1")"
  : >"marks/$1"
  printf '%s\0' "$1" >>marks.list
}
while IFS= read -r -d '' deleted; do
  name=${deleted##*/}
  mark "${deleted%"$name"}.wh.$name"
done < <(find upper -type c -printf '%P\0')

# A folder that was deleted and made again hides the one below. tar shows the attribute as "*" after the mode.
IFS=: read -r -a below <<<"$lower"
while IFS= read -r folder; do
  for layer in "${below[@]}"; do
    if [ -d "$OLDPWD/$layer/$folder" ]; then
      mark "$folder.wh..wh..opq"
      break
    fi
  done
done < <(
  find upper -mindepth 1 -type d -printf '%P\0' |
    tar -C upper --null --no-recursion --verbatim-files-from --xattrs --xattrs-include=trusted.overlay.opaque -T - -cf - |
    tar --xattrs --xattrs-include='*' --full-time --numeric-owner --quoting-style=literal -tvvf - |
    sed -n 's|^d[^ ]*\* *[^ ]* *[^ ]* *[^ ]* *[^ ]* ||p'
)

date=$(find upper -type f ! -newermt "@$newest" -printf '%T@\n' | sort -n | tail -n 1)
date=${date:-0}
# In the folder too: a later layer may copy a file up, with its date.
find upper -newermt "@${date%.*}" -exec touch --no-dereference --date="@${date%.*}" {} +

find upper -mindepth 1 ! -type c ! -type s -printf '%P\0' | LC_ALL=C sort -z >files.list
LC_ALL=C sort -z -o marks.list marks.list
# The digest of the plain file is taken while it is compressed: it is read once.
mkfifo plain
sha256sum <plain | cut -d' ' -f1 >diff-id &
tar --null --no-recursion --verbatim-files-from --numeric-owner --format=pax \
  --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime \
  --xattrs --xattrs-include=security.capability --clamp-mtime --mtime="@${date%.*}" \
  -C "$PWD/upper" -T "$PWD/files.list" -C "$PWD/marks" -T "$PWD/marks.list" -cf - |
  tee plain |
  zstd -q -1 -f -o blob
wait $!
