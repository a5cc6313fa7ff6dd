#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records the shipped traces again, into this folder and l1/. Needs valgrind, gcc, coreutils and xz; about two minutes.
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
record() { # name, instructions to skip, accesses of the trace in l1/, program
    name=$1 skip=$2 first_level=$3
    shift 3
    yingzhou trace record --name "$name" --llc 64K --llc 1M --skip "$skip" --accesses 20000 -o "$here/$name.yzt" -- "$@" > out
    yingzhou trace record --name "$name" --llc none --skip "$skip" --accesses "$first_level" -o "$here/l1/$name.yzt" -- "$@" > out
    yingzhou trace info "$here/$name"-*.yzt "$here/l1/$name.yzt" | grep ' lines read'
}
record kvstore 140M 40000 ./kvstore 200000
record chase 18500k 12000 ./chase 60000
record pagerank 50M 40000 ./pagerank 8
record sort 120M 40000 sort -S 64M --parallel=1 words.txt
record compress 400M 40000 xz -6 -k -c -T1 words.txt
