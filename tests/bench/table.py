"""The results as rows of medians, ratios and verdicts: what the text, the README and the chart are made from."""

from dataclasses import dataclass
from statistics import median

from workloads import BEST, LESS, ROWS, Cap

OURS = "authbridge"


@dataclass(frozen=True)
class Cell:
    """One proxy's figure. The ratio is authbridge's figure over this one's."""

    peer: str
    median: float
    low: float
    high: float
    ratio: float | None
    is_floor: bool = False


@dataclass(frozen=True)
class Verdict:
    """A goal beside what was reached; `met` is None where that could not be measured."""

    text: str
    reached: str
    met: bool | None

    def __str__(self):
        state = {True: "met", False: "not met", None: "not measured"}[self.met]
        return f"{self.text}: {state}{f' ({self.reached})' if self.reached else ''}"


@dataclass(frozen=True)
class Line:
    """A row with its cells, authbridge's first."""

    row: object
    cells: list
    verdicts: list


def number(value):
    """Three digits that matter, or all digits of a large number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cell(row, peer, result, ours):
    samples = [sample for sample in result["figures"].get(row.figure, []) if sample is not None]
    if not samples:
        return None
    middle = median(samples)
    ratio = ours / middle if ours and middle and peer != OURS else None
    return Cell(peer, middle, min(samples), max(samples), ratio, result["is_floor"])


def _cell_of(peer, cells):
    return next((cell for cell in cells if cell.peer == peer and cell.median), None)


def _best(row, cells):
    others = [cell for cell in cells if cell.ratio is not None and not cell.is_floor and not cell.peer.startswith(OURS)]
    if not others:
        return None
    return (min if row.better == LESS else max)(others, key=lambda cell: cell.median)


def _judge(row, goal, cells):
    bound = "at most" if row.better == LESS else "at least"
    if isinstance(goal, Cap):
        ours = _cell_of(OURS, cells)
        reached = f"{number(ours.median)} {row.unit}" if ours else ""
        return Verdict(f"{bound} {goal.limit} {row.unit}", reached, ours.median <= goal.limit if ours else None)
    who = goal.of or OURS
    ours = _cell_of(who, cells)
    cell = _best(row, cells) if goal.against == BEST else _cell_of(goal.against, cells)
    text = f"{f'{who}: ' if goal.of else ''}{bound} {goal.factor} × {goal.against}"
    if ours is None or cell is None:
        return Verdict(text, "", None)
    ratio = ours.median / cell.median
    met = ratio <= goal.factor if row.better == LESS else ratio >= goal.factor
    return Verdict(text, f"{ratio:.2f}", met)


def lines(results):
    """The rows that were measured."""
    found = []
    for row in ROWS:
        by_peer = results.get(row.run, {})
        own = by_peer.get(OURS, {"figures": {}})["figures"].get(row.figure, [])
        samples = [sample for sample in own if sample is not None]
        ours = median(samples) if samples else None
        cells = [_cell(row, peer, result, ours) for peer, result in by_peer.items()]
        cells = [cell for cell in cells if cell]
        if by_peer:
            found.append(Line(row, cells, [_judge(row, goal, cells) for goal in row.goals]))
    return found


def errors(results):
    """Where requests went wrong: (run, proxy, how many of each kind)."""
    return [
        (run, peer, result["errors"])
        for run, by_peer in results.items()
        for peer, result in by_peer.items()
        if result["errors"]
    ]
