#!/bin/sh
# Makes a root file system that has the system's programs and one socket, goes in, and starts the
# search there. Run as root of a user, mount, process and network namespace of its own.
#   enter.sh FOLDER SOCKET SEARCH
set -eu
root=$1
mount -t tmpfs tmpfs "$root"
mkdir "$root/usr" "$root/proc" "$root/run" "$root/tmp" "$root/dev" "$root/old"
mount --rbind /usr "$root/usr"
for name in bin sbin lib lib64; do
  [ ! -e "/$name" ] || ln -s "usr/$name" "$root/$name"
done
touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
touch "$root/run/app.sock" && mount --bind "$2" "$root/run/app.sock"
cp "$3" "$root/tmp/search.py"
mount -t proc proc "$root/proc"
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
cd /
exec env -i PATH=/usr/bin:/bin HOME=/tmp DECOY="eyJkZWNveSI6dHJ1ZX0.eyJkZWNveSI6dHJ1ZX0.ZGVjb3ktZGVjb3ktZGVjb3ktZGVjb3k" \
  python3 /tmp/search.py
