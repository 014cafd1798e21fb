"""What slopn has to reach beside other VPNs, and whether it does.

TARGETS is the only place that knows the numbers. A figure is compared with another peer's of the
same run, with the best of all VPNs in it, or with a constant; medians always."""

from dataclasses import dataclass
from typing import Optional

from figures import Figures

SUBJECT = "slopn"
ANCHOR = "wgsid"
BEST = "best VPN"  # of those below that were measured
VPNS = ("wgsid", "openvpn", "tinc", "nebula", "fastd", "ocserv")

PASS, FAIL, EVEN, MISSING = "pass", "FAIL", "even", "not measured"


@dataclass(frozen=True)
class Target:
    links: tuple
    figure: str
    title: str
    against: Optional[str]  # a peer, BEST, or None: `bound` is the limit itself
    bound: float
    more_is_better: bool
    # A miss by no more than this part of the bound is "even", no failure: only for figures that
    # depend on chance so much that equals would fail every other time.
    slack: float = 0.0


@dataclass(frozen=True)
class Verdict:
    target: Target
    link: str
    mine: Optional[float]
    other: Optional[float]
    other_peer: Optional[str]  # who that was, when it is BEST
    measure: Optional[float]   # what is compared with the bound: a ratio, or mine
    result: str


LINKS = ("gso", "nogso")


def _at_least(figure, title, against, bound, **more):
    return Target(figure=figure, title=title, against=against, bound=bound, more_is_better=True,
                  **{"links": LINKS, **more})


def _at_most(figure, title, against, bound, **more):
    return Target(figure=figure, title=title, against=against, bound=bound, more_is_better=False,
                  **{"links": LINKS, **more})


TARGETS = [
    _at_least("tcp_up", "TCP, one stream up, Gbit/s", ANCHOR, 2.2),
    _at_least("tcp_down", "TCP, one stream down, Gbit/s", ANCHOR, 2.2),
    _at_least("tcp4_up", "TCP, four streams, Gbit/s", ANCHOR, 2.5),
    _at_most("cpu_s_per_gb", "CPU s per GB, both daemons", ANCHOR, 0.38),
    _at_least("tcp_up", "share of the null relay's TCP, up", "nullrelay", 0.6),
    _at_least("tcp_down", "share of the null relay's TCP, down", "nullrelay", 0.6),
    _at_least("udp_lossless_mbps", "UDP 1200 bytes without loss, Mbit/s", BEST, 1.1),
    _at_most("rtt_ms", "ping idle, mean, ms", BEST, 1.0),
    _at_most("rtt_p99_ms", "ping idle, 99th percentile, ms", BEST, 1.0),
    _at_most("loaded_rtt_p99_ms", "ping beside an upload, 99th percentile, ms", ANCHOR, 0.5),
    _at_most("loaded_rtt_p99_ms", "the same beside the null relay's", "nullrelay", 1.5),
    _at_most("first_ping_ms", "start of the client to the first answer, ms", ANCHOR, 0.7),
    _at_most("memory_server_mb", "memory of the gateway, MB", None, 64),
    _at_most("memory_client_mb", "memory of the client, MB", None, 64),
] + [
    # CUBIC with losses runs on a few dozen random events, and without them both fill the same
    # window: equals differ by this much between runs.
    _at_least(f"tcp1_20ms_{loss}pct_mbps", f"TCP over 20 ms each way, {loss} % loss, Mbit/s", ANCHOR,
              1.0, links=("wan",), slack=0.02 if loss == "0" else 0.1)
    for loss in ("0", "0.1", "1", "3")
] + [
    _at_least(f"{traffic}_1ms_1pct_mbps", f"{what} over 1 ms each way, 1 % loss, Mbit/s", ANCHOR, 1.0,
              links=("wan",), slack=0.1)
    for traffic, what in (("tcp8", "eight TCP flows"), ("bbr1", "TCP with BBR"), ("udp100", "UDP"))
] + [
    _at_least("fair_share", "share beside a plain TCP flow, 200 Mbit/s: at least a third", None,
              1 / 3, links=("wan",)),
    _at_most("fair_share", "the same: at most two thirds", None, 2 / 3, links=("wan",)),
]


def _other(target: Target, link: str, figures: Figures):
    """The figure to compare with, and whose it is."""
    if target.against != BEST:
        return figures.median(link, target.against, target.figure), target.against
    best = None
    for peer in VPNS:
        value = figures.median(link, peer, target.figure)
        if value is not None and (best is None or (value > best[0]) == target.more_is_better):
            best = value, peer
    return best or (None, None)


def judge(target: Target, link: str, figures: Figures) -> Verdict:
    mine = figures.median(link, SUBJECT, target.figure)
    other, other_peer = (None, None) if target.against is None else _other(target, link, figures)
    measure = mine
    if target.against is not None:
        measure = mine / other if mine is not None and other else None
    if measure is None:
        result = MISSING
    else:
        miss = (target.bound - measure if target.more_is_better else measure - target.bound)
        result = PASS if miss <= 0 else EVEN if miss <= target.slack * target.bound else FAIL
    return Verdict(target, link, mine, other, other_peer, measure, result)


def judge_all(figures: Figures, links=None) -> list:
    """Of each link in turn; `links` are those of the file unless named."""
    return [judge(target, link, figures)
            for link in (figures.links if links is None else links)
            for target in TARGETS if link in target.links]
