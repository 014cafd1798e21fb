#!/usr/bin/python3
"""report.py FILE [ANCHOR]: the Markdown tables of a benchmark's figures.

Each figure is the median of its rounds, with the smallest and the largest in parentheses. The last
table compares medians with those of ANCHOR: above 1 is more."""

import statistics
import sys
from collections import defaultdict

TABLES = [
    ("TCP, Gbit/s received", ["tcp_up", "tcp_down", "tcp4_up"]),
    ("UDP, 1200-byte payloads", ["udp_flood_kpps", "udp_flood_loss_pct", "udp_lossless_mbps"]),
    ("Latency, ms", ["rtt_ms", "rtt_p99_ms", "loaded_rtt_ms", "loaded_rtt_p99_ms",
                     "first_ping_ms", "connect_ms"]),
    ("Cost", ["cpu_s_per_gb", "memory_server_mb", "memory_client_mb", "foreign_cpu_pct"]),
]
COMPARED = ["tcp_up", "tcp_down", "tcp4_up", "udp_flood_kpps", "udp_lossless_mbps", "rtt_ms",
            "loaded_rtt_ms", "first_ping_ms", "cpu_s_per_gb", "memory_server_mb"]


def number(value: float) -> str:
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if value >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.3f}"


def table(title: str, peers: list, columns: list, cell) -> None:
    rows = [[peer] + [cell(peer, column) for column in columns] for peer in peers]
    rows = [row for row in rows if any(text != "-" for text in row[1:])]
    if not rows:
        return
    used = [i for i in range(len(columns)) if any(row[i + 1] != "-" for row in rows)]
    print(f"\n**{title}**\n")
    print("| peer | " + " | ".join(columns[i] for i in used) + " |")
    print("|---" * (len(used) + 1) + "|")
    for row in rows:
        print(f"| {row[0]} | " + " | ".join(row[i + 1] for i in used) + " |")


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    anchor = sys.argv[2] if len(sys.argv) > 2 else "openvpn"
    figures = defaultdict(list)
    peers: list = []
    with open(sys.argv[1]) as file:
        for line in file:
            _, peer, _, name, value = line.rstrip("\n").split("\t")
            if peer not in peers:
                peers.append(peer)
            try:
                figures[peer, name].append(float(value))
            except ValueError:
                pass  # "NA"

    def median(peer, name):
        values = figures.get((peer, name))
        return statistics.median(values) if values else None

    def spread(peer, name):
        values = figures.get((peer, name))
        if not values:
            return "-"
        text = number(statistics.median(values))
        if len(values) > 1:
            text += f" ({number(min(values))}..{number(max(values))})"
        return text

    def ratio(peer, name):
        mine, other = median(peer, name), median(anchor, name)
        return number(mine / other) if mine is not None and other else "-"

    for title, columns in TABLES:
        table(title, peers, columns, spread)
    if anchor in peers:
        table(f"Ratio to {anchor}", peers, COMPARED, ratio)
    failed = [peer for peer in peers if figures.get((peer, "failed"))]
    if failed:
        print(f"\nDid not come up: {', '.join(failed)}.")
    return 1 if "slopn" in failed else 0


if __name__ == "__main__":
    sys.exit(main())
