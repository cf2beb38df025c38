#!/usr/bin/env bash
# The first process of the namespaces that the cluster tests run in: sets them up, runs the tests, waits for orphans.
set -euo pipefail

ip link set lo up
# What is mounted here is seen by nobody else and goes with the namespace.
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
# The interfaces under /sys are those of the network namespace in which it was mounted; the cgroups stay.
mkdir /dev/shm/cgroup
mount --rbind /sys/fs/cgroup /dev/shm/cgroup
mount -t sysfs sysfs /sys
mount --rbind /dev/shm/cgroup /sys/fs/cgroup
umount --lazy /dev/shm/cgroup
rmdir /dev/shm/cgroup

# Job control: the tests get a process group of their own, in which signals are not ignored.
set -m
"$@" </dev/null &
tests=$!
trap 'kill -INT $tests' INT TERM HUP

status=0
wait "$tests" || status=$?
while kill -0 "$tests" 2>/dev/null; do
  status=0
  wait "$tests" || status=$?
done
exit "$status"
