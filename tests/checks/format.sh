#!/bin/sh
# All C is laid out as .clang-format says. Releases of clang-format disagree with each other in
# details, so only the one that the tree is written with judges it.
. "${0%/*}/lib.sh"
release=14
tool=clang-format-$release
if ! command -v "$tool" >/dev/null; then
	tool=clang-format
	need "$tool" "clang-format-$release"
	if ! "$tool" --version | grep -q "version $release\."; then
		echo "skipped: $("$tool" --version), $release is wanted (Debian: clang-format-$release)"
		exit 77
	fi
fi
# shellcheck disable=SC2046 # file names here have no spaces
"$tool" --style=file --dry-run -Werror $(c_files)
