#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records the shipped traces again, into this folder. Needs valgrind, gcc, coreutils and xz; about a minute.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in kvstore chase pagerank words; do
    gcc -O2 -std=gnu11 -Wall -Wextra -o "$work/$program" "$here/programs/$program.c" -lm
done
cd "$work"
./words 150000 > words.txt
export LC_ALL=C
record() { # name, instructions to skip, program
    name=$1 skip=$2
    shift 2
    yingzhou trace record --name "$name" --llc 64K --llc 1M --skip "$skip" --accesses 20000 -o "$here/$name.yzt" -- "$@" > out
    yingzhou trace info "$here/$name"-*.yzt | grep ' lines read'
}
record kvstore 140M ./kvstore 200000
record chase 18500k ./chase 60000
record pagerank 50M ./pagerank 8
record sort 120M sort -S 64M --parallel=1 words.txt
record compress 400M xz -6 -k -c -T1 words.txt
