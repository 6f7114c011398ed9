#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malloc_trim(0) gives nothing back of what a thread has freed at the upper end of its arena.
#
# Versions:  glibc 2.36 (Debian 12), Python 3.11.
# Guess:     "attempts to release free memory at the top of the heap"; "since glibc 2.8 this function frees memory in all
#            arenas and in all chunks with whole free pages" (malloc_trim(3)). So what stays after it is not free memory.
# Seen:      a thread takes 40 MB in blocks of 100 kB, frees all and ends. They stay, malloc_trim returns 1 ("memory was
#            released") and leaves them: the free end of an arena other than the first is in none of the lists that it
#            goes through. With MALLOC_ARENA_MAX=1 it gives back all 40 MB. A block of 30 MB that was freed before, as
#            any network is now and then, has raised the thresholds; without that free() itself gives back half.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/trim.py" <<'P'
import ctypes
import re
import threading

BLOCK_BYTES, BLOCKS = 100_000, 420
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def resident_mb():
    return int(re.search(r"RssAnon:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024


def work():
    blocks = [libc.malloc(BLOCK_BYTES) for _ in range(BLOCKS)]
    for block in blocks:
        libc.memset(block, 1, BLOCK_BYTES)
    for block in blocks:
        libc.free(block)


libc.free(libc.malloc(30 << 20))
before_mb = resident_mb()
thread = threading.Thread(target=work)
thread.start()
thread.join()
freed_mb = resident_mb() - before_mb
released = libc.malloc_trim(0)
left_mb = resident_mb() - before_mb
print("after free", "half or more" if freed_mb > 20 else "less than half", end=", ")
print("after malloc_trim, which returns", released, end=", ")
print("half or more" if left_mb > 20 else "less than 2 MB" if left_mb < 2 else "some", "of 40 MB")
P
status=0
check() { # what is expected, what was seen
  echo "$3: $2"
  [ "$1" = "$2" ] || { echo "  expected: $1"; status=1; }
}
default=$(env -u MALLOC_ARENA_MAX -u GLIBC_TUNABLES -u MALLOC_TRIM_THRESHOLD_ python3.11 "$work/trim.py")
check "after free half or more, after malloc_trim, which returns 1, half or more of 40 MB" "$default" "by default"
one=$(env -u GLIBC_TUNABLES -u MALLOC_TRIM_THRESHOLD_ MALLOC_ARENA_MAX=1 python3.11 "$work/trim.py")
check "after free half or more, after malloc_trim, which returns 1, less than 2 MB of 40 MB" "$one" "one arena"
exit $status
