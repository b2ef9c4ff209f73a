# shellcheck shell=bash
# The daemons in a private directory, for tests that are written in shell: suite_start in
# setup_file, suite_stop in teardown_file. Whatever still runs then is ended.

suite_start()
{
	SUITE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/orderd-XXXXXX")
	ORDERD_RUNTIME_DIR=$SUITE_DIR
	export SUITE_DIR ORDERD_RUNTIME_DIR
	unset NOTIFY_SOCKET
	local daemon
	for daemon in "$@"; do
		daemon_start "$daemon"
	done
}

# daemon_start NAME [OPTION...]
daemon_start()
{
	"$1" --runtime-dir "$SUITE_DIR" --state-dir "$SUITE_DIR/state" "${@:2}" \
		>>"$SUITE_DIR/$1.log" 2>&1 </dev/null 3>&- &
	echo $! >"$SUITE_DIR/$1.pid"
	disown
}

daemon_pid()
{
	cat "$SUITE_DIR/$1.pid"
}

# wait_for COMMAND...: until it succeeds, at most 30 s.
wait_for()
{
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		if "$@" >/dev/null 2>&1; then
			return 0
		fi
		sleep 0.05
	done
	echo "not within 30 s: $*"
	return 1
}

is_gone()
{
	! kill -0 "$1"
}

suite_stop()
{
	local file
	for file in "$SUITE_DIR"/*.pid; do
		[ -f "$file" ] || continue
		kill -TERM "$(<"$file")" || true
	done 2>/dev/null
	for file in "$SUITE_DIR"/*.pid; do
		[ -f "$file" ] || continue
		wait_for is_gone "$(<"$file")" || kill -KILL "$(<"$file")"
	done
	rm -rf "$SUITE_DIR"
}
