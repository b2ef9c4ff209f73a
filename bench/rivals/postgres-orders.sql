-- An order of two lines as one function: one round trip, one transaction, one commit.
create table books (
	book_id bigint primary key,
	title text not null,
	price bigint not null
);
create table levels (
	book_id bigint primary key,
	available bigint not null check (available >= 0)
);
create table orders (
	order_id bigint generated always as identity primary key,
	number text not null,
	user_id bigint not null,
	total bigint not null,
	status smallint not null default 1,
	made timestamptz not null default now(),
	due timestamptz not null
);
create index orders_of_user on orders (user_id, made);
create index orders_unpaid on orders (due) where status = 1;
create table order_lines (
	order_id bigint not null references orders,
	line int not null,
	book_id bigint not null,
	title text not null,
	quantity int not null,
	price bigint not null,
	primary key (order_id, line)
);

insert into books select n, 'Go programming language', 5900 from generate_series(1, 1000) n;
insert into levels select book_id, 2000000000 from books;

-- first_book must be less than second_book: rows are locked in one order, so nobody deadlocks.
create function place_order(buyer bigint, first_book bigint, first_quantity int,
	second_book bigint, second_quantity int) returns bigint
language plpgsql as $body$
declare
	price_sum bigint;
	id bigint;
begin
	update levels set available = available - first_quantity
		where book_id = first_book and available >= first_quantity;
	if not found then
		raise exception 'sold out: book %', first_book;
	end if;
	update levels set available = available - second_quantity
		where book_id = second_book and available >= second_quantity;
	if not found then
		raise exception 'sold out: book %', second_book;
	end if;

	select sum(price * case when book_id = first_book then first_quantity
			else second_quantity end)
		into price_sum from books where book_id in (first_book, second_book);
	insert into orders (number, user_id, total, due)
		values (to_char(clock_timestamp(), 'YYYYMMDDHH24MISSUS'), buyer, price_sum,
			now() + interval '15 minutes')
		returning order_id into id;
	insert into order_lines
		select id, row_number() over (), book_id, title,
			case when book_id = first_book then first_quantity else second_quantity end,
			price
		from books where book_id in (first_book, second_book);
	return id;
end
$body$;
