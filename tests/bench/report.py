"""The results for people: on the terminal, and as the table in the README."""

from table import errors, lines, number

BEGIN = "<!-- bench: begin; `make bench README=1` writes what stands between these lines -->"
END = "<!-- bench: end -->"


def conditions(facts):
    """Where, when and how it was measured, in a few lines."""
    plan = facts["plan"]
    rounds = "1 round" if plan["rounds"] == 1 else f"medians of {plan['rounds']} rounds"
    return [
        f"{facts['date']}, {facts['machine']}, load average {facts['load']:.1f} at the start",
        f"{rounds}, {plan['seconds']} s a load, transfers of {plan['bulk_bytes'] >> 20} MiB"
        + (" (QUICK=1: a glance, no result)" if facts["is_quick"] else ""),
        "; ".join(facts["versions"]),
    ]


def text(facts, results):
    """All of it: medians, what they vary between, ratios, goals."""
    out = [*conditions(facts), "median (lowest to highest), and authbridge's figure over each peer's", ""]
    for line in lines(results):
        out.append(line.row.title)
        for cell in line.cells:
            spread = f"({number(cell.low)} to {number(cell.high)})"
            ratio = f"{cell.ratio:.2f} x" if cell.ratio is not None else ""
            out.append(f"    {cell.peer:<22}{number(cell.median):>9} {line.row.unit:<5}{spread:<24}{ratio:>8}")
        out += [f"    goal: {verdict}" for verdict in line.verdicts]
        out.append("")
    out += voids(results)
    return "\n".join(out)


def voids(results):
    """Why the run counts for nothing, if it does."""
    found = []
    for run, peer, counts in errors(results):
        kinds = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        found.append(f"void: {peer}, {run}: {sum(counts.values())} requests went wrong ({kinds})")
    return [*found, "This run is void: its figures say nothing."] if found else []


def _markdown_cell(line, cell):
    if cell is None:
        return ""
    figure = f"{number(cell.median)} {line.row.unit}"
    name = f"{cell.peer}: " if cell.is_floor else ""
    return f"{name}{figure}" + (f" · {cell.ratio:.2f}" if cell.ratio is not None else "")


def _columns(table):
    """The proxies that stand in every row, then one column for those that stand in some."""
    peers = []
    for line in table:
        peers += [cell.peer for cell in line.cells if cell.peer not in peers and not cell.is_floor]
    return peers


def markdown(facts, results):
    """The table for the README: medians, authbridge's ratio to each, goals."""
    table = lines(results)
    peers = _columns(table)
    out = [
        "Medians; behind the dot, authbridge's figure over that proxy's.",
        "",
        "| | " + " | ".join(peers) + " | floor | goal |",
        "|---" * (len(peers) + 3) + "|",
    ]
    for line in table:
        cells = {cell.peer: cell for cell in line.cells}
        floor = next((cell for cell in line.cells if cell.is_floor), None)
        words = [_markdown_cell(line, cells.get(peer)) for peer in peers] + [_markdown_cell(line, floor)]
        goals = "; ".join(str(verdict) for verdict in line.verdicts)
        out.append(f"| {line.row.title} | " + " | ".join(words) + f" | {goals} |")
    picture = "![authbridge against each proxy, as bars](docs/benchmarks.svg)"
    return "\n".join([*out, "", *(f"{words}\\" for words in conditions(facts)), "", picture])


def update(path, body):
    """Puts the body between the marks in a file."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: the lines that the table goes between are missing: {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}")
