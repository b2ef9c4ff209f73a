#!/bin/sh
# Every warning and error of the daemons has its entry in the catalog, and systemd can read it.
. "${0%/*}/lib.sh"
need journalctl systemd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# shellcheck disable=SC2046 # file names here have no spaces
if grep -nE '\blog_line\(' $(c_files common daemons tools) | grep -vE '^common/log\.[ch]:'; then
	echo "  a line without a message: use log_message, whose table has the catalog's entry"
	failed=1
fi
wanted=$(grep -cE '^MESSAGE\(' common/message_rows.h)
mkdir -p "$work/usr/lib/systemd/catalog" "$work/var/lib/systemd/catalog"
cp "${TOP_BUILDDIR:?is set by the makefile}/systemd/orderd.catalog" "$work/usr/lib/systemd/catalog/"
silent journalctl --root="$work" --update-catalog || failed=1
# shellcheck disable=SC2013 # one word a line
for id in $(sed -nE 's/^MESSAGE\(.*"([0-9a-f]{32})".*/\1/p' common/message_rows.h); do
	journalctl --root="$work" --dump-catalog "$id" >"$work/entry" 2>&1 || true
	if ! grep -q '^Subject: .' "$work/entry" || [ "$(wc -l <"$work/entry")" -lt 5 ]; then
		echo "$id has no entry that journalctl can read:"
		cat "$work/entry"
		failed=1
	fi
	wanted=$((wanted - 1))
done
[ "$wanted" -eq 0 ] || { echo "$wanted messages of common/message_rows.h have no id"; failed=1; }
# shellcheck disable=SC2046,SC2013 # one word a line
for message in $(sed -nE 's/^MESSAGE\(([A-Z_]+),.*/MESSAGE_\1/p' common/message_rows.h); do
	if ! grep -qE "\\b$message\\b" $(c_files common daemons | grep -v '/message\.'); then
		echo "$message is logged nowhere"
		failed=1
	fi
done
exit $failed
