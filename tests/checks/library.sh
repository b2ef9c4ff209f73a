#!/bin/sh
# An installed liborderd: exports what its header declares and nothing else, stays inside DESTDIR,
# and a program builds against it by pkg-config.
. "${0%/*}/lib.sh"
need "${CC:-cc}" gcc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

make -s -C "$TOP_BUILDDIR" install prefix=/usr DESTDIR="$work/root" \
	systemdsystemunitdir=/usr/lib/systemd/system sysusersdir=/usr/lib/sysusers.d \
	tmpfilesdir=/usr/lib/tmpfiles.d >"$work/install.log" 2>&1 ||
	{ cat "$work/install.log"; exit 1; }
libdir=$(find "$work/root" -name 'liborderd.so' -exec dirname {} +)

nm -D --defined-only "$libdir/liborderd.so" | awk '$2 ~ /[A-Z]/ { print $3 }' | sort >"$work/exported"
grep -oE '\borderd_[a-z_]+ ?\(' include/orderd.h | tr -d ' (' | sort -u >"$work/declared"
if ! diff -u "$work/declared" "$work/exported"; then
	echo "the header declares (-) and the library exports (+) not the same"
	failed=1
fi

mkdir "$work/pkgconfig"
sed -E "s,^(prefix|exec_prefix)=.*,\1=$work/root/usr,; s,^libdir=.*,libdir=$libdir,; \
	s,^includedir=.*,includedir=$work/root/usr/include," \
	"$libdir/pkgconfig/liborderd.pc" >"$work/pkgconfig/liborderd.pc"
export PKG_CONFIG_PATH="$work/pkgconfig"
cat >"$work/program.c" <<'END'
#include <orderd.h>
#include <string.h>

int main(void)
{
	return strcmp(orderd_status_name(ORDERD_PAID), "PAID") != 0;
}
END
# shellcheck disable=SC2046 # flags are meant to be split
cc -Wall -Wextra -Werror -std=c11 "$work/program.c" -o "$work/program" \
	$(pkg-config --cflags --libs liborderd)
LD_LIBRARY_PATH=$libdir "$work/program"
exit $failed
