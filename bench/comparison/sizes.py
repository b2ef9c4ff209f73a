"""How much of each load there is."""

# Outstanding requests: (connections, depth of each).
SHAPES = {1: (1, 1), 8: (8, 1), 64: (64, 1), 256: (64, 4), 1024: (64, 16)}
READ_SHAPES = (64, 1024)
POSTGRES_SHAPES = (1, 8, 64)
GROWTH_SHAPES = (64, 1024)

OPEN_RATES = (1000, 5000, 10000, 20000, 30000, 40000)
OPEN_CONNECTIONS = 64
OPEN_REFUSED_FEW = 0.005
OPEN_SHARE_MAX = 0.8   # of the peak: near it a queue only grows

BOOKS = 1000
PAGE = 20              # orders of a page of a user's list
DEEP_PAGE = 1000
ORDERS_A_USER = 100    # in stores that are compared, so that their pages are equally full
FEW_STORED = 10000
PENDING = 1000000      # orders that wait when orderd is started
BYTES_A_STORED = 2000  # of disk, at most: orders, stock and what is free between


class Sizes:
    def __init__(self, quick, stored):
        part = 8 if quick else 1
        self.quick = quick
        self.creates = {1: 5000 // part, 8: 20000 // part, 64: 40000 // part,
                        256: 40000 // part, 1024: 80000 // part}
        self.reads = {64: 200000 // part, 1024: 1000000 // part}
        self.storm = 100000 // part
        self.postgres_s = 5
        self.open_s = 1 if quick else 3
        self.late_s = 5 if quick else 20
        self.stored = stored or (60000 if quick else 5000000)
        self.chunks = 3 if quick else 10
        self.pages = 2000 if quick else 20000
