#!/usr/bin/python3
"""The Markdown tables of a benchmark's figures: medians of the rounds, and the smallest and the
largest in parentheses. Exit code 1 when slopn does not reach a target of targets.py."""

import argparse
import sys

import targets
from figures import BadFile, Figures, number

TABLES = [
    ("TCP, Gbit/s received", ["tcp_up", "tcp_down", "tcp4_up"]),
    ("UDP, 1200-byte payloads", ["udp_flood_kpps", "udp_flood_loss_pct", "udp_lossless_mbps"]),
    ("Latency, ms", ["rtt_ms", "rtt_p99_ms", "loaded_rtt_ms", "loaded_rtt_p99_ms",
                     "first_ping_ms", "connect_ms"]),
    ("Cost", ["cpu_s_per_gb", "memory_server_mb", "memory_client_mb", "foreign_cpu_pct"]),
]
COMPARED = ["tcp_up", "tcp_down", "tcp4_up", "udp_flood_kpps", "udp_lossless_mbps", "rtt_ms",
            "loaded_rtt_ms", "first_ping_ms", "cpu_s_per_gb", "memory_server_mb"]
SHOWN_BESIDE = ["wgsid", "openvpn", "nullrelay"]  # in the table of targets


def table(title: str, head: list, rows: list) -> None:
    """Leaves out rows and columns that are empty but for their names."""
    rows = [row for row in rows if any(cell != "-" for cell in row[1:])]
    if not rows:
        return
    used = [0] + [i for i in range(1, len(head)) if any(row[i] != "-" for row in rows)]
    print(f"\n**{title}**\n")
    for row in [head, ["---"] * len(head)] + rows:
        print("| " + " | ".join(row[i] for i in used) + " |")


def spread(figures: Figures, link: str, peer: str, name: str) -> str:
    values = figures.values(link, peer, name)
    text = number(figures.median(link, peer, name))
    if len(values) > 1:
        text += f" ({number(min(values))}..{number(max(values))})"
    return text


def ratio(figures: Figures, link: str, peer: str, anchor: str, name: str) -> str:
    mine, other = figures.median(link, peer, name), figures.median(link, anchor, name)
    return number(mine / other) if mine is not None and other else "-"


def link_tables(figures: Figures, link: str, anchor: str) -> None:
    peers = figures.peers(link)
    for title, names in TABLES:
        table(f"{title} (LINK={link})", ["peer"] + names,
              [[peer] + [spread(figures, link, peer, name) for name in names] for peer in peers])
    if anchor in peers:
        table(f"Ratio to {anchor} (LINK={link})", ["peer"] + COMPARED,
              [[peer] + [ratio(figures, link, peer, anchor, name) for name in COMPARED]
               for peer in peers])


def wan_table(figures: Figures) -> None:
    """A row for each cell, a column for each peer."""
    peers = figures.peers("wan")
    anchor = targets.ANCHOR
    compared = [peer for peer in peers if peer != anchor] if anchor in peers else []
    rows = []
    for name in figures.names("wan"):
        if name not in ("foreign_cpu_pct", "failed"):
            rows.append([name] + [spread(figures, "wan", peer, name) for peer in peers] +
                        [ratio(figures, "wan", peer, anchor, name) for peer in compared])
    table("Delay and loss, Mbit/s received (LINK=wan)",
          ["cell"] + peers + [f"{peer} : {anchor}" for peer in compared], rows)


def targets_table(figures: Figures, link: str, verdicts: list) -> None:
    rows = []
    for verdict in verdicts:
        target = verdict.target
        sign = ">=" if target.more_is_better else "<="
        against = f" x {verdict.other_peer or target.against}" if target.against else ""
        rows.append([target.title, number(verdict.mine)] +
                    [number(figures.median(link, peer, target.figure)) for peer in SHOWN_BESIDE] +
                    [f"{number(verdict.other)} ({verdict.other_peer})"
                     if target.against == targets.BEST and verdict.other is not None else "-",
                     f"{sign} {number(target.bound)}{against}", number(verdict.measure),
                     verdict.result])
    table(f"Targets (LINK={link})",
          ["figure", targets.SUBJECT] + SHOWN_BESIDE + [targets.BEST, "target", "is", "result"],
          rows)


def write_verdicts(path: str, verdicts: list) -> None:
    """link, figure, against, bound, measure, result: one verdict a line."""
    with open(path, "w") as file:
        for verdict in verdicts:
            target = verdict.target
            bound = f"{'>=' if target.more_is_better else '<='}{target.bound:.6g}"
            measure = "NA" if verdict.measure is None else f"{verdict.measure:.6g}"
            against = verdict.other_peer or target.against or "-"
            print(verdict.link, target.figure, against, bound, measure,
                  verdict.result, sep="\t", file=file)


def summary(verdicts: list, partial: bool) -> int:
    """Prints how many targets were reached, and which were not; the exit code."""
    by_result = {result: [verdict for verdict in verdicts if verdict.result == result]
                 for result in (targets.PASS, targets.EVEN, targets.FAIL, targets.MISSING)}
    print(f"\n{len(verdicts)} targets: " +
          ", ".join(f"{len(some)} {result}" for result, some in by_result.items() if some) + ".")
    if by_result[targets.EVEN]:
        print("\"even\" is below the target by less than such a figure changes between runs.")
    bad = by_result[targets.FAIL] + ([] if partial else by_result[targets.MISSING])
    for verdict in bad:
        print(f"- {verdict.result} (LINK={verdict.link}): {verdict.target.title}")
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="what run.sh or wan.sh wrote")
    parser.add_argument("--anchor", default="wgsid", help="whom the tables of ratios compare with")
    parser.add_argument("--no-targets", action="store_true", help="only figures")
    parser.add_argument("--partial", action="store_true",
                        help="what was not measured is no failure")
    parser.add_argument("--verdicts", metavar="FILE", help="writes the results as lines, too")
    options = parser.parse_args()
    try:
        figures = Figures.load(options.file)
    except (OSError, UnicodeDecodeError, BadFile) as error:
        print(f"report: {options.file}: {error}", file=sys.stderr)
        return 2

    for link in figures.links:
        if link == "wan":
            wan_table(figures)
        else:
            link_tables(figures, link, options.anchor)
    failed = sorted({(link, peer) for link in figures.links for peer in figures.peers(link)
                     if figures.values(link, peer, "failed")})
    if failed:
        print("\nDid not come up: " + ", ".join(f"{peer} ({link})" for link, peer in failed) + ".")
    code = 1 if any(peer.startswith(targets.SUBJECT) for _, peer in failed) else 0
    if options.no_targets:
        return code

    links = figures.links if options.partial else ["gso", "nogso", "wan"]
    verdicts = targets.judge_all(figures, links)
    for link in links:
        targets_table(figures, link, [verdict for verdict in verdicts if verdict.link == link])
    if options.verdicts:
        write_verdicts(options.verdicts, verdicts)
    return max(code, summary(verdicts, options.partial))


if __name__ == "__main__":
    sys.exit(main())
