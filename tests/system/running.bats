#!/usr/bin/env bats
# Command lines, configuration and directories of the four daemons.
bats_require_minimum_version 1.5.0

DAEMONS="catalogd stockd orderd reaperd"

setup()
{
	load suite.bash
	suite_start
}

teardown()
{
	suite_stop
}

# Runs a daemon that has to end by itself, and soon.
run_daemon()
{
	run --separate-stderr timeout 20 "$1" --runtime-dir "$SUITE_DIR" --state-dir "$SUITE_DIR/state" \
		"${@:2}"
	echo "$status: $output $stderr"
}

@test "--help states every setting with its default and exits 0" {
	for daemon in $DAEMONS; do
		run -0 --separate-stderr "$daemon" --help
		[ -z "$stderr" ]
		for option in --config --runtime-dir --state-dir --log-level --version /run/orderd 64G; do
			[[ $output == *"$option"* ]]
		done
	done
	run orderd --help
	for option in --payment-timeout --complete-after --lines-max --quantity-max --catalog-timeout \
		--stock-timeout --key-retention --settle-wait 15m 7d; do
		[[ $output == *"$option"* ]]
	done
}

@test "--version names the program and its version" {
	for daemon in $DAEMONS orderctl; do
		run -0 "$daemon" --version
		[[ $output =~ ^$daemon\ .*[0-9]+\.[0-9]+\.[0-9]+ ]]
	done
}

@test "wrong usage and wrong settings exit 2 and say what is wrong" {
	for daemon in $DAEMONS; do
		for words in --nope "--log-level loud" "--store-size-max 1" "--store-size-max x" \
			"--config $SUITE_DIR/not-there" extra; do
			# shellcheck disable=SC2086
			run_daemon "$daemon" $words
			[ "$status" -eq 2 ]
			[ -n "$stderr" ]
		done
	done
	for words in "--payment-timeout 0s" "--payment-timeout 1x" "--lines-max 101" "--lines-max 0" \
		"--quantity-max -1" "--stock-timeout 9223372036854775807d"; do
		# shellcheck disable=SC2086
		run_daemon orderd $words
		[ "$status" -eq 2 ]
	done
	[ ! -e "$SUITE_DIR/state" ]
}

@test "a mistake in the configuration is named with its place" {
	config=$SUITE_DIR/orderd.conf
	while IFS= read -r line; do
		printf 'suite\n    %s\norderd\n    %s\n' "log_level = info" "$line" >"$config"
		run_daemon orderd --config "$config"
		[ "$status" -eq 2 ]
		[[ $stderr == *"${line%% *}"* ]]
	done <<-'END'
		nope = 1
		payment_timeout = 1ms
		payment_timeout = soon
		lines_max = 1.5
	END
	printf 'suite\n    nope = 1\n' >"$config"
	for daemon in $DAEMONS; do
		run_daemon "$daemon" --config "$config"
		[ "$status" -eq 2 ]
	done
}

@test "config check names every mistake with its line, those of all daemons at once" {
	config=$SUITE_DIR/orderd.conf
	run -0 orderctl config check "$TOP_SRCDIR/packaging/orderd.conf"
	printf 'suite\n    log_level = loud\nstockd\n    x = 1\norderd\n    lines_max = 0\n' >"$config"
	run -1 --separate-stderr orderctl config check "$config"
	[ "${lines[0]}" = "$config:4: section 'stockd' has no option 'x'" ]
	[[ ${lines[1]} == "$config:2: suite/log_level: 'loud' is not error, "* ]]
	[[ ${lines[2]} == "$config:6: orderd/lines_max: '0' is not a number of 1 to 100" ]]
	[ "${#lines[@]}" -eq 3 ]
	run -1 orderctl --json config check "$config"
	[[ ${lines[2]} == '{"file":"'"$config"'","line":6,"message":"orderd/lines_max: '* ]]
	run -1 orderctl config show "$config"
	[ "${#lines[@]}" -eq 3 ]
	run -1 orderctl config check "$SUITE_DIR/not-there"
	[[ $output == *"No such file"* ]]
}

@test "config show says where each setting comes from, and every option is one" {
	printf 'orderd\n    lines_max = 3\n' >"$SUITE_DIR/orderd.conf"
	run -0 orderctl config show "$SUITE_DIR/orderd.conf"
	[[ $output =~ orderd\ +lines_max\ +3\ +line\ 2\ +reload ]]
	[[ $output =~ suite\ +state_dir\ +/var/lib/orderd\ +default\ +restart ]]
	shown=$output
	for daemon in $DAEMONS; do
		while IFS= read -r option; do
			[[ $shown == *" $option "* ]] || { echo "no $option"; return 1; }
		done < <("$daemon" --help | sed -nE 's/^ +--([a-z-]+)=.*/\1/p' | tr - _ | grep -vx config)
	done
}

@test "the configuration is used, and the command line overrides it" {
	printf 'suite\n    state_dir = %s/elsewhere\norderd\n    lines_max = 3\n' "$SUITE_DIR" \
		>"$SUITE_DIR/orderd.conf"
	orderd --config "$SUITE_DIR/orderd.conf" --runtime-dir "$SUITE_DIR" \
		>"$SUITE_DIR/log" 2>&1 </dev/null 3>&- &
	echo $! >"$SUITE_DIR/orderd.pid"
	wait_for test -S "$SUITE_DIR/orderd.sock"
	wait_for test -d "$SUITE_DIR/elsewhere/orderd"
	run -1 --separate-stderr orderctl order create --user 1 --item 1=1 --item 1=1 --item 1=1 --item 1=1
	[[ $stderr == *"4 lines, at most 3"* ]]
}

@test "directories that cannot be used are a failure with their name" {
	for daemon in $DAEMONS; do
		run --separate-stderr timeout 20 "$daemon" --runtime-dir /proc/nowhere \
			--state-dir "$SUITE_DIR/state"
		[ "$status" -eq 1 ]
		[[ $stderr == *"/proc/nowhere"* ]]
		run --separate-stderr timeout 20 "$daemon" --runtime-dir "$SUITE_DIR" --state-dir /proc/nowhere
		[ "$status" -eq 1 ]
		[[ $stderr == *"/proc/nowhere"* ]]
	done
	: >"$SUITE_DIR/file"
	for daemon in catalogd stockd orderd; do
		run_daemon "$daemon" --state-dir "$SUITE_DIR/file"
		[ "$status" -eq 1 ]
		[[ $stderr == *"$SUITE_DIR/file"* ]]
	done
}

@test "a runtime directory whose sockets would have too long a name is refused" {
	long=$SUITE_DIR/$(printf 'a%.0s' {1..120})
	for daemon in $DAEMONS; do
		run_daemon "$daemon" --runtime-dir "$long"
		[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
		[ -n "$stderr" ]
	done
}

@test "a second daemon in the same directories is refused and the first goes on" {
	for daemon in $DAEMONS; do
		daemon_start "$daemon"
	done
	wait_for orderctl status
	for daemon in $DAEMONS; do
		run_daemon "$daemon"
		[ "$status" -eq 1 ]
		[[ $stderr == *"another $daemon runs in $SUITE_DIR"* ]]
	done
	mkdir "$SUITE_DIR/other"
	for daemon in catalogd stockd orderd; do
		run_daemon "$daemon" --runtime-dir "$SUITE_DIR/other"
		[ "$status" -eq 1 ]
		[[ $stderr == *"in use by another process"* ]]
	done
	run -0 orderctl status
}

@test "with its lock removed a second daemon still leaves the first its socket" {
	for daemon in $DAEMONS; do
		daemon_start "$daemon"
	done
	wait_for orderctl status
	for daemon in catalogd stockd orderd; do
		rm "$SUITE_DIR/$daemon.lock"
		run_daemon "$daemon"
		[ "$status" -eq 1 ]
		[[ $stderr == *"the store in $SUITE_DIR/state is in use by another process"* ]]
	done
	run -0 orderctl status
	run -0 orderctl catalog add --id 1 --title Charts --price 1
}

@test "status ends with 3 when a daemon is away, and names it" {
	for daemon in catalogd stockd orderd; do
		daemon_start "$daemon"
	done
	run_status()
	{
		run --separate-stderr orderctl status
		[ "$status" -eq 3 ] && [[ $stderr != *"orderd does"* ]]
	}
	wait_for run_status
	[[ $output =~ reaperd\ +down && $output =~ stockd\ +up && $stderr == *"reaperd does not answer"* ]]
	run -3 --separate-stderr orderctl --json status
	[[ ${lines[3]} == *'"name":"reaperd","state":"down","ready":false'* ]]
}

@test "who serves and misses a neighbour is degraded, names it, and is up again with it" {
	for daemon in $DAEMONS; do
		daemon_start "$daemon"
	done
	wait_for orderctl status
	for away in stockd catalogd; do
		kill -KILL "$(daemon_pid $away)"
		names_it()
		{
			run --separate-stderr orderctl status
			[[ $output == *"orderd is degraded: $away cannot be reached: is it started?"* ]] &&
				[[ $output != *reached*reached* ]]
		}
		wait_for names_it
		[ "$status" -eq 3 ]
		daemon_start $away
		wait_for orderctl status
	done
}

@test "sockets are for the owner and the group, stores for the owner's group to read" {
	for daemon in $DAEMONS; do
		daemon_start "$daemon"
	done
	wait_for orderctl status
	for socket in orderd stockd catalogd reaperd events; do
		[ "$(stat -c %a "$SUITE_DIR/$socket.sock")" = 660 ]
	done
	[ "$(stat -c %a "$SUITE_DIR/state")" = 750 ]
}
