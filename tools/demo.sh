#!/usr/bin/env bash
# A year of a shop's invoices through the whole suite, in a private directory and without root.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
build=${TOP_BUILDDIR:-$here/build}
data=$here/data/online-retail.csv
expire_s=3
PATH=$build/tools:$build/daemons/orderd:$build/daemons/stockd:$build/daemons/catalogd:$build/daemons/reaperd:$PATH

dir=$(mktemp -d "${TMPDIR:-/tmp}/orderd-demo.XXXXXX")
export ORDERD_RUNTIME_DIR=$dir/run
pids=()

finish()
{
	local status=$?
	trap - EXIT INT TERM
	if [ "$status" -ne 0 ]; then
		printf '\nThe demo failed. What the daemons said:\n' >&2
		tail -n 5 "$dir"/*.log >&2 || true
	fi
	[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
	[ "${#pids[@]}" -eq 0 ] || wait "${pids[@]}" 2>/dev/null || true
	rm -rf "$dir"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi

title()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# show COMMAND...: the command as a person would type it, then what it prints.
show()
{
	printf '$ %s\n' "$*"
	"$@"
}

# field NAME: its value in a line of JSON on standard input.
field()
{
	grep -o "\"$1\": *\"\{0,1\}[^\",}]*" | head -n 1 | sed 's/.*: *"\{0,1\}//'
}

wait_ready()
{
	for _ in $(seq 100); do
		if orderctl --timeout 1s status >/dev/null 2>&1; then
			return
		fi
		sleep 0.1
	done
	return 1
}

title "Four daemons start, unprivileged, in a directory of their own"
for daemon in catalogd stockd orderd reaperd; do
	"$daemon" --runtime-dir "$dir/run" --state-dir "$dir/state" 2>"$dir/$daemon.log" &
	pids+=($!)
done
wait_ready
show orderctl status

title "The books of a year of real invoices, and four fifths of the stock that their orders want"
show orderctl catalog import "$data" --progress --rejects "$dir/books.csv"
echo
show orderctl stock import "$data" --from-orders --scale 80 --progress

title "Every invoice becomes an order or a named refusal"
show orderctl order import "$data" --progress --rejects "$dir/rejects.csv"
echo
printf 'The first refused rows, as --rejects wrote them:\n'
head -n 4 "$dir/rejects.csv"

title "One order, paid, shipped and completed"
book=$(orderctl --json catalog list --limit 1 | field book_id)
orderctl stock add "$book" 10 --reason "for the demo" >/dev/null
id=$(orderctl --json order create --user 1 --item "$book=2" | field order_id)
show orderctl order pay "$id"
show orderctl order ship "$id"
show orderctl order complete "$id"
show orderctl order history "$id"

title "One cancelled: its stock is back"
id=$(orderctl --json order create --user 1 --item "$book=3" | field order_id)
show orderctl stock show "$book"
show orderctl order cancel "$id" --reason mistake
show orderctl stock show "$book"

title "One not paid within $expire_s seconds: cancelled on time, its stock is back"
id=$(orderctl --json order create --user 1 --item "$book=4" --expires-in "${expire_s}s" |
	field order_id)
show orderctl stock show "$book"
sleep "$expire_s.2"
show orderctl order history "$id"
show orderctl stock show "$book"

title "The stock ledger balances"
show orderctl fsck

title "Everything stops, nothing is left"
