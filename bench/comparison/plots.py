"""The plots, by gnuplot: each as SVG and as PNG."""
import statistics

from . import sizes
from .ours import HERE
from .process import run
from .stages import NAMES

COLORS = {"ours": "#0060a8", "redis": "#c03020", "postgres": "#5c7a1f"}
TERMINALS = {"svg": "svg size 760,440 font 'sans,13' background '#ffffff'",
             "png": "pngcairo size 1140,660 font 'sans,14' background '#ffffff'"}
STYLE = """set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror
set key left top
"""


def block(name, rows):
    lines = "\n".join(" ".join(f"{value:g}" for value in row) for row in rows)
    return f"${name} << END\n{lines}\nEND\n"


def draw(name, title, commands):
    for suffix, terminal in TERMINALS.items():
        run(["gnuplot", "-"], input=f"set terminal {terminal}\nset output '{HERE}/{name}.{suffix}'\n"
            f"set title \"{title}\"\n{STYLE}{commands}")


def spread(x, values):
    return x, statistics.median(values), min(values), max(values)


def rate(rounds):
    names = [name for name in NAMES if all("create" in found.get(name, {}) for found in rounds)]
    data = "".join(block(name, [
        spread(shape, [found[name]["create"][shape]["rate"] for found in rounds])
        for shape in rounds[0][name]["create"]]) for name in names)
    curves = ", ".join(
        f"${name} using 1:2:3:4 with yerrorbars lc rgb '{COLORS[name]}' pt 7 notitle, "
        f"${name} using 1:2 with lines lc rgb '{COLORS[name]}' lw 2 title '{NAMES[name]}'"
        for name in names)
    ticks = ", ".join(str(shape) for shape in sizes.SHAPES)
    draw("rate", "Orders created a second, each synced before its answer", data +
         f"set logscale x 2\nset xtics ({ticks})\nset xrange [0.8:1400]\nset yrange [0:*]\n"
         "set format y \"%'.0f\"\nset xlabel 'outstanding requests; bars from lowest to highest'\n"
         f"plot {curves}\n")


def latency(rounds):
    rates = sorted(set.intersection(*(set(found["ours"]["fixed"]) for found in rounds)))
    if not rates:
        return
    data = "".join(block(name, [
        (each, *(statistics.median(found[name]["fixed"][each][key] for found in rounds)
                 for key in ("p50_ms", "p99_ms", "p999_ms"))) for each in rates])
        for name in ("ours", "redis"))
    curves = ", ".join(
        f"${name} using 1:{column} with linespoints lc rgb '{COLORS[name]}' dt {column - 1} pt 7 "
        f"lw 2 title '{NAMES[name]} {title}'" for name in ("ours", "redis")
        for column, title in ((2, "p50"), (3, "p99"), (4, "p99.9")))
    draw("latency", "Latency of a create at fixed rates, from when it was due", data +
         "set logscale y\nset format x \"%'.0f\"\nset xrange [0:*]\nset xlabel 'creates a second'\n"
         f"set ylabel 'ms'\nplot {curves}\n")


def growth(rounds):
    data = block("steps", [(step["stored"], step["rate"], step["page"]["p99_ms"])
                           for step in rounds[0]["steps"]])
    draw("growth", "As the store grows", data +
         "set format x \"%'.0f\"\nset format y \"%'.0f\"\nset xlabel 'orders stored'\n"
         "set ylabel 'creates a second'\nset y2label 'first page, p99 ms'\nset y2tics\n"
         "set border 11\nset xrange [0:*]\nset yrange [0:*]\nset y2range [0:*]\nset key bottom right\n"
         f"plot $steps using 1:2 with linespoints lc rgb '{COLORS['ours']}' pt 7 lw 2 "
         "title 'creates a second', $steps using 1:3 axes x1y2 with linespoints lc rgb '#888888' "
         "pt 7 lw 2 title 'first page, p99'\n")


def all_of(found):
    rate(found["side"])
    latency(found["open"])
    growth(found["growth"])
