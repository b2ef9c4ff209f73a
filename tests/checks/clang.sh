#!/bin/sh
# clang has no warning about any of our sources. It only reads them: gcc's build is what is tested.
. "${0%/*}/lib.sh"
background
need clang clang
make -s -C "$TOP_BUILDDIR" clang-reads FILES="$(c_files | grep '\.c$' | tr '\n' ' ')" JOBS="$(jobs)"
