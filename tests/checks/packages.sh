#!/bin/sh
# The Debian packages can be built of what was built here, bear the version of ./configure, and
# lintian finds nothing in them, pedantic things included. They stay in TOP_BUILDDIR/deb.
. "${0%/*}/lib.sh"
need dpkg-buildpackage dpkg-dev
need dh debhelper
need lintian lintian
deb=$TOP_BUILDDIR/deb
rm -rf "$deb"
failed=0

packaging/build-deb --built "$TOP_BUILDDIR" "$deb" >/dev/null
for name in orderd liborderd0 liborderd-dev orderd-dbgsym liborderd0-dbgsym; do
	[ -n "$(find "$deb" -name "${name}_*.deb")" ] || { echo "no package $name was made"; failed=1; }
done

ours=$(sed -n 's/^AC_INIT(\[.*\], \[\(.*\)\])$/\1/p' configure.ac)
theirs=$(sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)
if [ "$ours" != "$theirs" ]; then
	echo "packaging/debian/changelog says version $theirs, configure.ac $ours"
	failed=1
fi
# Stopped before the files are there, a daemon would be started again by the first client.
dpkg-deb --ctrl-tarfile "$deb"/orderd_*.deb | tar -xO ./postinst >"$deb/postinst"
for name in catalogd stockd orderd reaperd; do
	grep -q "try-restart.*'$name.service'" "$deb/postinst" ||
		{ echo "an upgrade does not restart $name"; failed=1; }
done
if dpkg-deb --ctrl-tarfile "$deb"/orderd_*.deb | tar -t | grep -qx ./preinst; then
	echo "an upgrade stops what the package's clients start again"
	failed=1
fi
rm "$deb/postinst"
silent lintian --allow-root --pedantic --fail-on error,warning,info,pedantic \
	"$deb"/*.changes || failed=1
exit $failed
