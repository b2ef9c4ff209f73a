# shellcheck shell=sh
# What the checks share. Each one looks at the tree in TOP_SRCDIR, prints what is wrong and fails
# when something was; without its tool it is skipped and says so.
set -eu
: "${TOP_SRCDIR:?is set by the makefile}"
cd "$TOP_SRCDIR"
TOP_SRCDIR=$(pwd -P)
LC_ALL=C
export LC_ALL

need()
{
	if ! command -v "$1" >/dev/null; then
		echo "skipped: no $1 here (Debian: $2)"
		exit 77
	fi
}

# Prints the C files below the given directories, or below all that hold any.
c_files()
{
	[ $# -gt 0 ] || set -- include common daemons tools tests bench
	for directory; do
		if [ -d "$directory" ]; then
			find "$directory" -type f -name '*.[ch]'
		fi
	done | sort
}

# Runs a command and fails, after showing what it printed, when it printed anything.
silent()
{
	said=$("$@" 2>&1) || true
	if [ -n "$said" ]; then
		printf '%s\n' "$said"
		return 1
	fi
}

# A build of its own in TOP_BUILDDIR/$1, configured with the rest.
configure_in()
{
	directory=${TOP_BUILDDIR:?is set by the makefile}/$1
	shift
	mkdir -p "$directory"
	cd "$directory"
	if [ ! -f config.status ] || [ -n "$(find "$TOP_SRCDIR/configure" -newer config.status)" ]; then
		"$TOP_SRCDIR/configure" -q "$@"
	fi
}

# What ./configure found out about this machine for the build that runs the tests holds for another
# one with the same compiler; its answers stand in its log, whatever options it had.
found_out()
{
	sed -n "/^## Cache variables/,/^## Output variables/{/_cv_env_/d; s/^[a-z_]*_cv_[a-z0-9_]*=.*/&/p}" \
		"$TOP_BUILDDIR/config.log"
}

# As shared libraries of gcc the two run-times do not both heed log_path; linked in they do.
configure_sanitized()
{
	mkdir -p "$TOP_BUILDDIR/sanitized"
	[ -f "$TOP_BUILDDIR/sanitized/config.cache" ] || found_out >"$TOP_BUILDDIR/sanitized/config.cache"
	configure_in sanitized --cache-file=config.cache --enable-werror --enable-sanitizers --disable-shared --enable-static \
		CFLAGS='-g1 -O1' LDFLAGS='-static-libasan -static-libubsan'
}

# shellcheck disable=SC2034 # the checks use it
fuzz_targets='tests/fuzz/fuzz_frames tests/fuzz/fuzz_handlers tests/fuzz/fuzz_settings
	tests/fuzz/fuzz_sheet'

# From here on a check takes only what others leave of the processors: tests run that measure time.
background()
{
	renice -n 19 -p $$ >/dev/null
}

jobs()
{
	nproc 2>/dev/null || echo 2
}
