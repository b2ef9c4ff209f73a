#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The document's own test table, and the rest of an order's life, through orderctl.

setup_file()
{
	load suite.bash
	suite_start catalogd stockd orderd reaperd
	wait_for orderctl status
	orderctl catalog add --id 1 --title Go语言编程 --price 59.00
	orderctl catalog add --id 2 --title 深入理解计算机系统 --price 13900 --sku CSAPP
	orderctl stock set 1 100
	orderctl stock set sku:CSAPP 100
}

teardown_file()
{
	load suite.bash
	suite_stop
}

setup()
{
	load suite.bash
}

# json COMMAND...: runs orderctl --json, which has to succeed.
json()
{
	run --separate-stderr orderctl --json "$@"
	echo "$output"
	# shellcheck disable=SC2154 # bats sets it
	[ "$status" -eq 0 ] && [ -z "$stderr" ]
}

has()
{
	local part
	for part in "$@"; do
		[[ $output == *"$part"* ]] || { echo "no $part"; return 1; }
	done
}

refused()
{
	run --separate-stderr orderctl "${@:2}"
	[ "$status" -eq 1 ] && [ -z "$output" ] && [[ $stderr == "orderctl: $1 ("*"): "* ]]
}

is_cancelled()
{
	orderctl --json order get "$1" | grep -q '"status":"CANCELLED"'
}

nothing_is_open()
{
	[ -z "$(orderctl --json saga list)" ]
}

# stock_is BOOK PART: a part of what stock show --json prints.
stock_is()
{
	orderctl --json stock show "$1" | grep -qF "$2"
}

@test "1: user 1 orders book 1 twice and book 2 once: a number of 20 digits and total 25700" {
	json order create --user 1 --item 1=2 --item 2=1
	has '"order_id":1,' '"user_id":1,' '"total":25700,' '"status":"PENDING"'
	[[ $output =~ \"order_no\":\"[0-9]{20}\" ]]
}

@test "2: the order is found with its 2 items, by id and by number" {
	json order get 1
	has '"book_id":1,' '"book_id":2,' '"quantity":2,' '"quantity":1,' '"price":5900' '"price":13900'
	by_id=$output
	[[ $output =~ \"order_no\":\"([0-9]{20})\" ]]
	json order get "${BASH_REMATCH[1]}"
	[ "$output" = "$by_id" ]
}

@test "3: the stock of book 1 is less by 2, that of book 2 by 1" {
	json stock show 1
	has '"available":98,' '"reserved":2,' '"sold":0,' '"received":100'
	json stock show 2
	has '"available":99,' '"reserved":1,' '"sold":0,' '"received":100'
}

@test "4: the titles stay in the order whatever the catalog says later" {
	orderctl catalog add --id 1 --title Renamed --price 1
	json order get 1
	has '"book_title":"Go语言编程"' '"book_title":"深入理解计算机系统"' '"price":5900'
	orderctl catalog add --id 1 --title Go语言编程 --price 5900
}

@test "5: an order that is not paid is cancelled at its time and its stock is back" {
	json order create --user 5 --item 1=7 --expires-in 3s
	has '"order_id":2,'
	json stock show 1
	has '"available":91,' '"reserved":9,'
	wait_for is_cancelled 2
	json order history 2
	has '"from":"PENDING"' '"to":"CANCELLED"' '"actor":"reaperd"'
	wait_for stock_is 1 '"available":98,"reserved":2,'
}

@test "an order is paid, shipped and completed, and its stock sold" {
	json order pay 1
	has '"status":"PAID"'
	json order ship 1
	has '"status":"SHIPPED"'
	json order complete 1 --reason "arrived"
	has '"status":"COMPLETED"'
	wait_for stock_is 1 '"reserved":0,"sold":2,'
	run orderctl order history 1
	[ "${#lines[@]}" -eq 5 ]
	has arrived
}

@test "what is final stays final" {
	refused invalid_transition order cancel 1
	refused invalid_transition order pay 2
	refused invalid_transition order refund 2
}

@test "an order is cancelled, another refunded" {
	json order create --user 1 --item sku:CSAPP=3
	has '"order_id":3,' '"total":41700,'
	json order cancel 3 --reason "changed my mind"
	has '"status":"CANCELLED"'
	orderctl order create --user 1 --item 2=1
	refused invalid_transition order refund 4
	orderctl order pay 4
	json order refund 4
	has '"status":"CANCELLED"'
	wait_for stock_is 2 '"available":99,"reserved":0,"sold":1,'
}

@test "refusals say why: code and reason on stderr, exit 1" {
	refused insufficient_stock order create --user 1 --item 1=99
	refused order_not_found order get 999
	refused book_not_found order create --user 1 --item 77=1
	refused bad_request order create --user 1 --item 1=100
	refused book_not_found stock show 77
}

@test "the same key makes one order" {
	json order create --user 9 --item 1=1 --key cart-1
	first=$output
	json order create --user 9 --item 1=1 --key cart-1
	[ "$output" = "$first" ]
	refused idempotency_mismatch order create --user 9 --item 1=2 --key cart-1
}

@test "a user's orders, newest first, by page and by status" {
	json order list --user 1
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == *'"order_id":4,'* && ${lines[2]} == *'"order_id":1,'* ]]
	json order list --user 1 --status CANCELLED --page 2 --page-size 1
	[ "${#lines[@]}" -eq 1 ]
	has '"order_id":3,'
	json order list --user 1 --after 3
	[ "${#lines[@]}" -eq 1 ]
	has '"order_id":1,'
}

@test "wrong usage exits 2, absent daemons 3" {
	for words in "nope" "order nope" "order create" "order get" "order get 1 --nope" \
		"order create --user x --item 1=1" "order create --user 1 --item 1" "stock set 1"; do
		# shellcheck disable=SC2086
		run -2 orderctl $words
	done
	run -3 orderctl --runtime-dir "$SUITE_DIR/nobody" --timeout 200ms order get 1
}

@test "a slip of the finger is put right, another word gets the list" {
	run -2 orderctl order shpi 1
	has "no such command: order shpi; did you mean order ship?"
	run -2 orderctl stokc
	has "did you mean stock?"
	for word in show delete; do # ship and create are not what was meant
		run -2 orderctl order $word 1
		has "no such command: order $word; one of: create get list pay ship"
	done
	run -2 orderctl nope
	has "no such command: nope; one of: catalog stock order"
}

@test "tables for people: no colour and no escape outside a terminal" {
	run orderctl order get 1
	[ "$status" -eq 0 ]
	has 257.00 深入理解计算机系统 COMPLETED
	[[ $output != *$'\e'* ]]
}

@test "all data agrees" {
	wait_for nothing_is_open
	json fsck
	has '"clean":true'
	json status
	[ "${#lines[@]}" -eq 4 ]
	run -0 orderctl events
}

@test "what the daemons have counted and timed" {
	json stats
	[ "${#lines[@]}" -eq 4 ]
	has '"name":"orderd",' '"name":"reaperd",'
	[[ $output =~ \"operation\":\"order.create\",\"handled\":[1-9][0-9]*,\"refused\":[1-9] ]]
	[[ $output =~ \"operation\":\"stock.apply\",\"handled\":[1-9] ]]
	[[ $output =~ \"step\":\"RESERVING\",\"time_us\":\{\"count\":[1-9] ]]
	run -0 orderctl stats
	has "orderd, since its start:" order.create P999_US RESERVING
	run -3 orderctl --runtime-dir "$SUITE_DIR/nobody" --timeout 200ms stats
}
