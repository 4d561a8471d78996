"""The ratios as bars, as SVG: how many times as good as each peer authbridge is, on a logarithmic scale."""

from html import escape
from math import ceil, floor, log2

from table import OURS, lines
from workloads import LESS

COLOURS = {"nginx": "#1f6f4a", "HAProxy": "#2f6db5", "Apache prefork": "#b3541e", "Caddy": "#7a4fa3"}
FLOOR_COLOUR = "#777777"
WIDTH, LABELS, RIGHT = 960, 370, 70
TOP, BAR, GAP, GROUP = 92, 13, 3, 14
FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"


def _advantage(line, cell):
    """Over 1 where authbridge is better, whichever way the figure counts."""
    return 1 / cell.ratio if line.row.better == LESS else cell.ratio


def _text(x, y, words, size=12, anchor="start", fill="#222222", weight="normal"):
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{fill}'"
        f" font-weight='{weight}' {FONT}>{escape(words)}</text>"
    )


def _others(line):
    return [cell for cell in line.cells if cell.ratio and not cell.peer.startswith(OURS)]


class Scale:
    """Where a ratio stands: a doubling is as wide everywhere."""

    def __init__(self, ratios):
        self.low = min(-1, floor(min(map(log2, ratios), default=-1)))
        self.high = max(1, ceil(max(map(log2, ratios), default=1)))

    def x(self, ratio):
        share = (log2(ratio) - self.low) / (self.high - self.low)
        return LABELS + share * (WIDTH - LABELS - RIGHT)

    def lines(self, bottom):
        for power in range(self.low, self.high + 1):
            x = self.x(2.0**power)
            label = f"{2**power}" if power >= 0 else f"1/{2**-power}"
            stroke = "#444444" if power == 0 else "#dddddd"
            yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP - 8}' y2='{bottom}' stroke='{stroke}'/>"
            yield _text(x, TOP - 14, label, 11, "middle", "#555555")


def _bar(scale, y, cell, advantage):
    one, end = scale.x(1), scale.x(advantage)
    colour = FLOOR_COLOUR if cell.is_floor else COLOURS.get(cell.peer, FLOOR_COLOUR)
    left, width = min(one, end), max(abs(end - one), 1)
    better = advantage >= 1
    yield f"<rect x='{left:.1f}' y='{y}' width='{width:.1f}' height='{BAR}' fill='{colour}'/>"
    yield _text(end + (4 if better else -4), y + BAR - 3, f"{advantage:.2f}", 10, "start" if better else "end")


def _title(y, line, count):
    return _text(10, y + count * (BAR + GAP) / 2 + 3, line.row.title)


def _legend():
    x = 10
    for name, colour in (*COLOURS.items(), ("floor", FLOOR_COLOUR)):
        yield f"<rect x='{x}' y='48' width='12' height='12' fill='{colour}'/>"
        yield _text(x + 17, 58, name)
        x += 40 + 8 * len(name)


def svg(facts, results):
    """The whole picture."""
    groups = [(line, others) for line in lines(results) if (others := _others(line))]
    scale = Scale([_advantage(line, cell) for line, cells in groups for cell in cells])
    body, y = [], TOP
    for line, cells in groups:
        body.append(_title(y, line, len(cells)))
        for cell in cells:
            body += _bar(scale, y, cell, _advantage(line, cell))
            y += BAR + GAP
        y += GROUP
    head = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{y + 24}' viewBox='0 0 {WIDTH} {y + 24}'>",
        "<rect width='100%' height='100%' fill='#ffffff'/>",
        _text(10, 26, "authbridge against each proxy: to the right of 1, authbridge is better", 16, weight="bold"),
        *_legend(),
        *scale.lines(y - GROUP + 4),
    ]
    foot = _text(10, y + 12, f"{facts['date']}, {facts['machine']}", 11, fill="#555555")
    return "\n".join([*head, *body, foot, "</svg>", ""])
