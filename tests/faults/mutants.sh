#!/bin/sh
# tests/faults/mutants.sh [NAME...]: seeded bugs. Each patch in tests/faults/mutants/ puts a bug
# into a copy of the tree; the test that its head names (Caught-by) must fail on it. Without a name
# all of them. A bug that survives is a hole in the tests.
# shellcheck source-path=SCRIPTDIR source=../checks/lib.sh
. "${0%/*}/../checks/lib.sh"
need patch patch
patches=tests/faults/mutants
copy=${TOP_BUILDDIR:?is set by the makefile}/mutants

rm -rf "$copy"
mkdir -p "$copy/src" "$copy/build"
tar -cf - --exclude=./build --exclude=./.git --exclude="./${TOP_BUILDDIR##*/}" . |
	tar -xf - -C "$copy/src"
cd "$copy/build"
compiler=${CC:-gcc}
case $compiler in
ccache*) ;;
*) ! command -v ccache >/dev/null || compiler="ccache $compiler" ;;
esac
../src/configure -q --disable-shared --enable-static CC="$compiler" CFLAGS='-g -O1'

mutate()
{
	patch -s -f -F0 -p1 -d ../src <"$TOP_SRCDIR/$patches/$name.patch"
}

# Not by the patch: backwards it may find another place.
restore()
{
	sed -n 's,^--- a/,,p' "$TOP_SRCDIR/$patches/$name.patch" | while read -r path; do
		cp "$TOP_SRCDIR/$path" "../src/$path"
	done
}

# Whether that test fails. One that does not end has failed, too; 2: it cannot be built.
catches()
{
	case $1 in
	sim)
		make -s tests/faults/sim >make.log 2>&1 || return 2
		! timeout 300 tests/faults/sim --seeds "${SIM_SEEDS:-1500}" --no-shrink >test.log 2>&1
		;;
	*)
		make -s "tests/$1" >make.log 2>&1 || return 2
		! timeout 120 "tests/$1" >test.log 2>&1
		;;
	esac
}

# What the test had to say, in a few words.
complaint()
{
	sed -n -E -e 's/^(seed [0-9]+: .*)/\1/p' -e 's/^\[  FAILED  \] ([a-z_]+)$/\1/p' \
		-e '/[Aa]ssertion/p' test.log | head -n 1 | cut -c 1-100
}

if [ $# -eq 0 ]; then
	tests=$(sed -n 's/^Caught-by: //p' "../src/$patches"/*.patch | sort -u)
	for test in $tests; do
		if SIM_SEEDS=200 catches "$test"; then
			echo "$test fails without any bug:"
			cat test.log
			exit 1
		fi
	done
	for path in "../src/$patches"/*.patch; do
		name=${path##*/}
		set -- "$@" "${name%.patch}"
	done
fi

caught=0
survived=
for name; do
	test=$(sed -n 's/^Caught-by: //p' "../src/$patches/$name.patch")
	mutate
	result=0
	catches "$test" || result=$?
	restore
	case $result in
	0)
		caught=$((caught + 1))
		printf '%s: caught by %s: %s\n' "$name" "$test" "$(complaint)"
		;;
	1)
		survived="$survived $name"
		printf '%s: SURVIVED %s\n' "$name" "$test"
		;;
	*)
		survived="$survived $name"
		printf '%s: does not build\n' "$name"
		head -n 5 make.log
		;;
	esac
done
printf '%d seeded bugs, %d caught\n' $# "$caught"
if [ -n "$survived" ]; then
	echo "survived:$survived"
	exit 1
fi
