#!/bin/sh
# login.sh ROOT FACES CPU QEMU MAGIC HOME DISK COMMAND: run a shell command line inside an emulated board.
#   ROOT   the userland's root file system      FACES  the board's proc and sys files
#   CPU    QEMU's name of the core              QEMU   the static emulator for the userland's architecture
#   MAGIC  two bytes of the ELF machine number  HOME   folder that becomes /home/pi
#   DISK   size of the disk, such as 5m; empty: as large as the machine's
# Runs in a user and mount namespace of its own: binfmt_misc is private to it and nothing is left behind.
set -eu
if [ "${INSIDE:-}" = "" ]; then
    ulimit -c 0
    INSIDE=1 exec unshare --user --map-root-user --mount --propagation private sh "$0" "$@"
fi
root=$1 faces=$2 cpu=$3 qemu=$4 magic=$5 home=$6 disk=$7 command=$8
class=02 && [ "$magic" != '\x28\x00' ] || class=01
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
registry=/proc/sys/fs/binfmt_misc
mount -t binfmt_misc binfmt_misc $registry
printf '%s' ":pi:M::\\x7f\\x45\\x4c\\x46\\x$class\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00$magic:$mask:$qemu:F" >$registry/register
for folder in proc dev sys; do mount --rbind /$folder "$root/$folder"; done
mount --bind "$faces/proc/cpuinfo" "$root/proc/cpuinfo"
mount --bind "$faces/sys/devices/system/cpu" "$root/sys/devices/system/cpu"
mount -t tmpfs tmpfs "$root/tmp"
if [ -n "$disk" ]; then mount -t tmpfs -o "size=$disk" tmpfs "$root/home/pi"; else mount --bind "$home" "$root/home/pi"; fi
exec chroot "$root" /usr/bin/env -i QEMU_CPU="$cpu" HOME=/home/pi USER=pi LOGNAME=pi LANG=C.UTF-8 \
    PATH=/usr/local/bin:/usr/bin:/bin /bin/sh -c "cd; $command"
