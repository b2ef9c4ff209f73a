#!/bin/sh
# Layers: include < common < daemons/X and tools. No daemon includes another one's header, no
# includes go in a circle, and each foreign library is seen in one place only.
. "${0%/*}/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Each include of a file of ours as a line "from to".
# shellcheck disable=SC2046 # file names here have no spaces
grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]+[">]' $(c_files) |
	sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/ /' |
	while read -r from name; do
		plain=${name#?}
		plain=${plain%?}
		case $name in
		\"*) places="${from%/*} . common include" ;;
		*) places=include ;;
		esac
		for place in $places; do
			if [ -f "$place/$plain" ]; then
				echo "$from $(realpath --relative-to=. "$place/$plain")"
				break
			fi
		done
	done >"$work/edges"
[ -s "$work/edges" ] || { echo "no include of a file of ours was found"; exit 1; }

awk '
	function layer(path,   part) {
		split(path, part, "/")
		return part[1] == "daemons" ? part[1] "/" part[2] : part[1]
	}
	{
		from = layer($1); to = layer($2)
		if (from == to || to == "include" || from == "tests" || from == "bench")
			next
		if (to == "common" && from != "include")
			next
		print $1 " may not include " $2
		bad = 1
	}
	END { exit bad }
' "$work/edges" || failed=1

awk '$1 == $2 { print $1 " includes itself"; bad = 1 } END { exit bad }' "$work/edges" || failed=1
if ! tsort "$work/edges" >/dev/null 2>"$work/loop"; then
	echo "Includes go in a circle:"
	cat "$work/loop"
	failed=1
fi

# only WHAT PATTERN FILE...: the pattern stands in no other file.
only()
{
	what=$1 pattern=$2
	shift 2
	for path in $(c_files include common daemons tools); do
		case " $* " in
		*" $path "*) ;;
		*)
			if grep -HnE "$pattern" "$path"; then
				echo "  $what belongs into $*"
				failed=1
			fi
			;;
		esac
	done
}
only LMDB '\b(mdb_|MDB_)|[<"]lmdb\.h' common/db.c common/db_entries.c common/db_inside.h
only msgpack '\bmsgpack_|\bMSGPACK_|[<"]msgpack(\.h|/)' common/codec.c
only "a zmq socket" '\b(zmq_|ZMQ_)|[<"]zmq\.h' common/transport.c common/publisher.c common/client_socket.c
only curses '[<"]n?curses' tools/top_screen.c
only czmq '\b(zsys_|zconfig_|zsock_)|[<"]czmq' common/settings_file.c
exit $failed
