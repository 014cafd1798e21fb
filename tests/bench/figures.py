"""The figures of a benchmark: what measure.sh and wan-cells.sh wrote, one a line."""

import statistics
from collections import defaultdict
from typing import Optional


class BadFile(Exception):
    pass


class Figures:
    """Values by link, peer and name; each has one value per round."""

    def __init__(self, lines):
        self._values = defaultdict(list)
        self.links: list = []  # in the order of the file, like peers
        self._peers: dict = {}
        for number, line in enumerate(lines, 1):
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 5:
                raise BadFile(f"line {number} has not five fields")
            _, peer, link, name, value = fields
            if link not in self.links:
                self.links.append(link)
            if peer not in self._peers.setdefault(link, []):
                self._peers[link].append(peer)
            try:
                self._values[link, peer, name].append(float(value))
            except ValueError:
                pass  # "NA": was not to be measured

    @classmethod
    def load(cls, path: str) -> "Figures":
        with open(path) as file:
            return cls(file)

    def peers(self, link: str) -> list:
        return self._peers.get(link, [])

    def names(self, link: str) -> list:
        return list(dict.fromkeys(name for at, _, name in self._values if at == link))

    def values(self, link: str, peer: str, name: str) -> list:
        return self._values.get((link, peer, name), [])

    def median(self, link: str, peer: str, name: str) -> Optional[float]:
        values = self.values(link, peer, name)
        return statistics.median(values) if values else None


def number(value: Optional[float]) -> str:
    """Three significant digits or so."""
    if value is None:
        return "-"
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if value >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.3f}"
