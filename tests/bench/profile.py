#!/usr/bin/python3
"""profile.py --seconds S --iperf FILE CLIENT GATEWAY: a table of what samples of perf were about.

CLIENT and GATEWAY are outputs of `perf script`. A sample in the kernel counts for the system call
that led to it, one in the program for its function."""

import argparse
import json
import re
import sys

# The first that fits a frame of a kernel stack, from the innermost on.
KERNEL = [
    ("TUN read", r"tun_chr_read_iter|tun_do_read"),
    ("TUN write, with the host's TCP", r"tun_chr_write_iter|tun_get_user"),
    ("UDP send, with the link", r"udpv?6?_sendmsg|udp_send_skb|sock_sendmsg"),
    ("UDP receive", r"udpv?6?_recvmsg|recvmmsg"),
]
OTHER_KERNEL = "waiting, scheduling, interrupts"
# The first that fits the function.
PROGRAM = [
    ("AEAD and header protection", r"aes|gcm|AES|GCM|EVP_|CRYPTO_|aead|chacha|poly1305|hp_mask|vpaes"),
    ("cutting, joining, checksums", r"slopn::offload|sum_words|Segmenter|Coalescer"),
    ("copies", r"memmove|memcpy|memset|memcmp"),
    ("memory", r"malloc|free|calloc|realloc|native_memory|Shelf|operator new"),
    ("event loop", r"asio|epoll|coroutine|clock_gettime|pthread"),
    ("ours: sessions, queues, sockets", r"slopn::|std::"),
    ("ngtcp2", r"."),
]


def kind_of(frames):
    """What a sample is about; frames are (symbol, object), innermost first."""
    symbol, place = frames[0]
    if "kernel" in place or place == "[unknown]":
        for frame, _ in frames:
            for name, pattern in KERNEL:
                if re.search(pattern, frame):
                    return name
        return OTHER_KERNEL
    for name, pattern in PROGRAM:
        if re.search(pattern, symbol):
            return name
    raise AssertionError("the last pattern fits all")


def read_samples(path):
    """{kind: nanoseconds}; perf gives the period of cpu-clock in those."""
    totals, period, frames = {}, 0, []

    def finish():
        if frames:
            kind = kind_of(frames)
            totals[kind] = totals.get(kind, 0) + period

    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.strip():
                finish()
                frames = []
            elif not line[0].isspace():
                period = int(line.split()[-1])
            else:
                match = re.match(r"\s+[0-9a-f]+ (.*) \((.*)\)$", line)
                if match:
                    frames.append((match.group(1), match.group(2)))
    finish()
    return totals


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, required=True)
    options.add_argument("--iperf", required=True)
    options.add_argument("client")
    options.add_argument("gateway")
    given = options.parse_args()
    with open(given.iperf, encoding="utf-8") as file:
        bits_per_second = json.load(file)["end"]["sum_received"]["bits_per_second"]
    packet_bytes = 1438 - 52  # of TCP payload: the usual inner MTU, less both headers
    packets = bits_per_second / 8 / packet_bytes * given.seconds

    sides = [read_samples(given.client), read_samples(given.gateway)]
    kinds = [name for name, _ in KERNEL] + [OTHER_KERNEL] + [name for name, _ in PROGRAM]
    print(f"\n{bits_per_second / 1e9:.2f} Gbit/s while being sampled.\n")
    print("| what | client, % | client, ns a packet | gateway, % | gateway, ns a packet |")
    print("| --- | --- | --- | --- | --- |")
    totals = [sum(side.values()) for side in sides]
    for kind in kinds:
        cells = []
        for side, total in zip(sides, totals):
            spent = side.get(kind, 0)
            cells += [f"{100 * spent / max(total, 1):.1f}", f"{spent / packets:.0f}"]
        print(f"| {kind} | " + " | ".join(cells) + " |")
    cells = []
    for total in totals:
        cells += ["100", f"{total / packets:.0f}"]
    print("| all | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
