#!/usr/bin/env bash
# Makes the content of one image layer: the layers below with an empty one above, and a change made on top.
# Meant to run as process 1 of its own mount and process namespaces: whatever ends it also unmounts all of this.
#
#   layer-step.sh run  STEP LOWER USER FOLDER COMMAND [NAME=VALUE ...]
#   layer-step.sh copy STEP LOWER FOLDER
#   layer-step.sh base STEP SUITE
#
# STEP   folder that holds apt/ (run, base: settings to use as /etc/apt), pip/ (run: those of pip, to be in /mnt)
#        or stage/ (copy: files to place); the layer is left in STEP/upper
# LOWER  folders of the layers below, topmost first, joined by ":", relative to the working folder; may be empty
set -euo pipefail
umask 022

action=$1
step=$2
root=$step/root

mount_layers() {
  local lower=$1
  mkdir -p "$root" "$step/upper" "$step/work" "$step/empty"
  # Without redirects and the like the upper folder is a plain list of changes, which a tar file can carry.
  mount -t overlay overlay "$root" -o \
    "lowerdir=${lower:+$lower:}$step/empty,upperdir=$step/upper,workdir=$step/work,redirect_dir=off,metacopy=off,index=off"
}

# What a command needs from a machine, none of which may stay in the layer.
mount_machine() {
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755,size=1m tmpfs "$root/dev"
  local device
  for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  cp -L /etc/resolv.conf "$step/resolv.conf"
  mount --bind "$step/resolv.conf" "$root/etc/resolv.conf"
  mount --bind "$step/apt" "$root/etc/apt"
  mount --bind "$step/pip" "$root/mnt"
  mount -t tmpfs tmpfs "$root/var/lib/apt/lists"
  mount -t tmpfs tmpfs "$root/var/cache/apt"
}

run() {
  local user=$1 folder=$2 command=$3
  shift 3
  if [ ! -x "$root/usr/bin/env" ] || [ ! -d "$root/etc/apt" ]; then
    echo "RUN needs a Debian image below it" >&2
    exit 1
  fi
  mount_machine
  chroot ${user:+"--userspec=$user"} "$root" /usr/bin/env -i --chdir="$folder" "$@" /bin/sh -c "$command" </dev/null
}

copy() {
  local target=$root/${1#/} real top
  real=$(realpath -m -- "$target")
  top=$(realpath -- "$root")
  # An absolute symbolic link in the image would lead to this machine's own files.
  case $real/ in
  "$top"/*) ;;
  *)
    echo "COPY to $1 goes through an absolute symbolic link of the image; name the folder it points to" >&2
    exit 1
    ;;
  esac
  mkdir -p -- "$target"
  [ ! -e "$step/stage" ] || find "$step/stage" -mindepth 1 -maxdepth 1 -exec cp -a -t "$target" -- {} +
}

# The folder layout and settings of Debian's own slim container image, from this machine's mirror.
base() {
  local suite=$1 upper=${step:?}/upper
  mount --bind "$step/apt" /etc/apt
  mmdebstrap --variant=minbase --mode=root --aptopt=/etc/apt/apt.conf \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' --dpkgopt='force-unsafe-io' \
    "$suite" "$upper" /etc/apt/sources.list
  (
    cd "$upper"
    rm -rf dev/* etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/99mmdebstrap \
      var/lib/apt/lists/* var/cache/apt/* var/cache/ldconfig/* var/cache/debconf/* var/log/apt var/log/*.log
  )
  : >"$upper/etc/resolv.conf"
  : >"$upper/etc/hostname"
  : >"$upper/etc/machine-id"
  # Installing a package must not start its service.
  printf '#!/bin/sh\nexit 101\n' >"$upper/usr/sbin/policy-rc.d"
  chmod 755 "$upper/usr/sbin/policy-rc.d"
}

if [ "$action" = base ]; then
  base "$3"
else
  mount_layers "$3"
  shift 3
  "$action" "$@"
fi
