#!/bin/sh
# clang builds everything, the unit tests too, without a warning.
. "${0%/*}/lib.sh"
need clang clang
configure_in clang CC=clang --enable-werror --disable-shared --enable-static
make -s -j "$(jobs)" all
make -s -j "$(jobs)" check TESTS=
