-- An order in one step, as a shop would write it for a sale: price it, check the stock of every
-- line, and only then take the stock, store the order and queue its deadline.
-- ARGV: the user, then a book and a quantity for each line. Returns the order's id.
local PAYMENT_S = 15 * 60
local user = ARGV[1]
local total, basket = 0, {}

for at = 2, #ARGV, 2 do
	local book, wanted = ARGV[at], tonumber(ARGV[at + 1])
	local price, title = unpack(redis.call('HMGET', 'book:' .. book, 'price', 'title'))
	if not price then
		return redis.error_reply('UNKNOWN no book ' .. book)
	end
	local left = redis.call('GET', 'stock:' .. book)
	if not left or tonumber(left) < wanted then
		return redis.error_reply('SOLDOUT book ' .. book)
	end
	total = total + wanted * tonumber(price)
	basket[#basket + 1] = { book, wanted, price, title }
end

for _, line in ipairs(basket) do
	redis.call('DECRBY', 'stock:' .. line[1], line[2])
end

local id = redis.call('INCR', 'orders:last')
local seconds, micros = unpack(redis.call('TIME'))
redis.call('HSET', 'order:' .. id, 'number', seconds .. micros, 'user', user, 'total', total,
	'status', 1, 'created', seconds, 'lines', cmsgpack.pack(basket))
redis.call('ZADD', 'orders:unpaid', seconds + PAYMENT_S, id)
redis.call('LPUSH', 'orders:of:' .. user, id)
return id
