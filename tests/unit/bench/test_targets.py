"""tests/bench: what is a pass, what is a failure, and what the report makes of it."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench"))
import report  # noqa: E402
import targets  # noqa: E402
from figures import BadFile, Figures  # noqa: E402


def lines(link="gso", **peers):
    """lines(slopn={"tcp_up": [1, 2]}): two rounds of a peer."""
    return [f"{number}\t{peer}\t{link}\t{name}\t{value}\n"
            for peer, names in peers.items()
            for name, values in names.items()
            for number, value in enumerate(values if isinstance(values, list) else [values], 1)]


def target(figure, against, link="gso"):
    found = [one for one in targets.TARGETS
             if one.figure == figure and one.against == against and link in one.links]
    assert len(found) == 1, (figure, against, found)
    return found[0]


def judge(figure, against, link="gso", **peers):
    figures = Figures(lines(link, **{peer: {figure: value} for peer, value in peers.items()}))
    return targets.judge(target(figure, against, link), link, figures)


class FiguresOfAFile(unittest.TestCase):
    def test_median_of_the_rounds(self):
        figures = Figures(lines(slopn={"tcp_up": [3, 1, 100]}))
        self.assertEqual(figures.median("gso", "slopn", "tcp_up"), 3)

    def test_links_are_kept_apart(self):
        figures = Figures(lines("gso", slopn={"tcp_up": 1}) + lines("nogso", slopn={"tcp_up": 2}))
        self.assertEqual(figures.links, ["gso", "nogso"])
        self.assertEqual(figures.median("nogso", "slopn", "tcp_up"), 2)

    def test_what_could_not_be_measured_has_no_median(self):
        figures = Figures(lines(slopn={"tcp_up": "NA"}))
        self.assertIsNone(figures.median("gso", "slopn", "tcp_up"))
        self.assertEqual(figures.peers("gso"), ["slopn"])

    def test_a_line_of_something_else_is_refused(self):
        with self.assertRaises(BadFile):
            Figures(["1\tslopn\tgso\ttcp_up\n"])


class Judging(unittest.TestCase):
    def test_more_is_better(self):
        self.assertEqual(judge("tcp_up", "wgsid", slopn=2.2, wgsid=1).result, targets.PASS)
        verdict = judge("tcp_up", "wgsid", slopn=2.19, wgsid=1)
        self.assertEqual(verdict.result, targets.FAIL)
        self.assertAlmostEqual(verdict.measure, 2.19)

    def test_less_is_better(self):
        self.assertEqual(judge("cpu_s_per_gb", "wgsid", slopn=0.38, wgsid=1).result, targets.PASS)
        self.assertEqual(judge("cpu_s_per_gb", "wgsid", slopn=0.39, wgsid=1).result, targets.FAIL)

    def test_one_figure_can_have_two_targets(self):
        self.assertEqual(judge("tcp_up", "nullrelay", slopn=6, nullrelay=10).result, targets.PASS)
        self.assertEqual(judge("tcp_up", "nullrelay", slopn=5.9, nullrelay=10).result, targets.FAIL)

    def test_best_of_those_where_more_is_better(self):
        verdict = judge("udp_lossless_mbps", targets.BEST, slopn=1100, wgsid=600, nebula=1000)
        self.assertEqual((verdict.other_peer, verdict.result), ("nebula", targets.PASS))
        self.assertEqual(judge("udp_lossless_mbps", targets.BEST, slopn=1099, nebula=1000).result,
                         targets.FAIL)

    def test_best_of_those_where_less_is_better(self):
        verdict = judge("rtt_ms", targets.BEST, slopn=0.06, wgsid=0.1, ocserv=0.05, fastd=0.07)
        self.assertEqual((verdict.other_peer, verdict.result), ("ocserv", targets.FAIL))

    def test_neither_the_null_relay_nor_slopn_itself_is_a_peer_to_be_best(self):
        verdict = judge("rtt_ms", targets.BEST, slopn=0.06, wgsid=0.1, nullrelay=0.01, raw=0.001)
        self.assertEqual((verdict.other_peer, verdict.result), ("wgsid", targets.PASS))

    def test_a_limit_without_a_peer(self):
        self.assertEqual(judge("memory_server_mb", None, slopn=64).result, targets.PASS)
        self.assertEqual(judge("memory_server_mb", None, slopn=64.1).result, targets.FAIL)

    def test_what_is_not_there_is_not_measured(self):
        self.assertEqual(judge("tcp_up", "wgsid", slopn=2).result, targets.MISSING)
        self.assertEqual(judge("tcp_up", "wgsid", wgsid=2).result, targets.MISSING)
        self.assertEqual(judge("tcp_up", "wgsid", slopn=2, wgsid=0).result, targets.MISSING)
        self.assertEqual(judge("rtt_ms", targets.BEST, slopn=2).result, targets.MISSING)

    def test_chance_makes_even_what_is_a_little_below(self):
        def cell(slopn):
            return judge("tcp1_20ms_1pct_mbps", "wgsid", "wan", slopn=slopn, wgsid=10).result
        self.assertEqual([cell(10), cell(9.1), cell(8.9)],
                         [targets.PASS, targets.EVEN, targets.FAIL])

    def test_a_fair_share_is_between_a_third_and_two_thirds(self):
        def results(share):
            figures = Figures(lines("wan", slopn={"fair_share": share}))
            return [verdict.result for verdict in targets.judge_all(figures)
                    if verdict.target.figure == "fair_share"]
        self.assertEqual(results(0.3), [targets.FAIL, targets.PASS])
        self.assertEqual(results(0.5), [targets.PASS, targets.PASS])
        self.assertEqual(results(0.7), [targets.PASS, targets.FAIL])

    def test_each_link_has_its_own_targets(self):
        self.assertEqual({verdict.link for verdict in targets.judge_all(Figures([]), ["nogso"])},
                         {"nogso"})
        self.assertFalse([one for one in targets.TARGETS
                          if one.figure == "tcp_up" and "wan" in one.links])


class Report(unittest.TestCase):
    def run_report(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "figures.tsv")
            verdicts = os.path.join(folder, "targets.tsv")
            with open(path, "w") as file:
                file.writelines(text)
            output = io.StringIO()
            argv, sys.argv = sys.argv, ["report.py", "--verdicts", verdicts, *options, path]
            try:
                with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                    code = report.main()
            finally:
                sys.argv = argv
            self.verdicts = None
            if os.path.exists(verdicts):
                with open(verdicts) as file:
                    self.verdicts = file.read()
            return code, output.getvalue()

    def all_reached(self):
        text = []
        for link in ("gso", "nogso"):
            text += lines(link,
                          slopn=dict(tcp_up=7, tcp_down=7, tcp4_up=8, cpu_s_per_gb=1,
                                     udp_lossless_mbps=1200, rtt_ms=0.05, rtt_p99_ms=0.1,
                                     loaded_rtt_p99_ms=2, first_ping_ms=10, memory_server_mb=20,
                                     memory_client_mb=20),
                          wgsid=dict(tcp_up=3, tcp_down=3, tcp4_up=3, cpu_s_per_gb=3,
                                     udp_lossless_mbps=600, rtt_ms=0.1, rtt_p99_ms=0.2,
                                     loaded_rtt_p99_ms=8, first_ping_ms=20),
                          nullrelay=dict(tcp_up=11, tcp_down=11, loaded_rtt_p99_ms=2))
        cells = {f"tcp1_20ms_{loss}pct_mbps": 10 for loss in ("0", "0.1", "1", "3")}
        cells |= {f"{traffic}_1ms_1pct_mbps": 90 for traffic in ("tcp8", "bbr1", "udp100")}
        return text + lines("wan", slopn=dict(cells, fair_share=0.5), wgsid=cells)

    def test_all_targets_reached(self):
        code, output = self.run_report(self.all_reached())
        self.assertEqual(code, 0, output)
        self.assertIn(f"\n{len(self.verdicts.splitlines())} targets: "
                      f"{len(self.verdicts.splitlines())} pass.\n", output)
        self.assertIn("gso\ttcp_up\twgsid\t>=2.2\t2.33333\tpass\n", self.verdicts)

    def test_one_target_missed(self):
        text = [line.replace("\t8\n", "\t7\n") if "slopn\tnogso\ttcp4_up" in line else line
                for line in self.all_reached()]
        code, output = self.run_report(text)
        self.assertEqual(code, 1)
        self.assertIn("- FAIL (LINK=nogso): TCP, four streams, Gbit/s", output)
        self.assertEqual(output.count("- FAIL"), 1)

    def test_a_whole_run_must_measure_everything(self):
        text = [line for line in self.all_reached() if "\twan\t" not in line]
        code, output = self.run_report(text)
        self.assertEqual(code, 1)
        self.assertIn("- not measured (LINK=wan)", output)
        code, output = self.run_report(text, "--partial")
        self.assertEqual(code, 0, output)

    def test_slopn_that_does_not_come_up_is_a_failure(self):
        code, output = self.run_report(lines(slopn={"failed": 1}, wgsid={"tcp_up": 1}), "--partial")
        self.assertEqual(code, 1)
        self.assertIn("Did not come up: slopn (gso).", output)

    def test_a_file_of_something_else(self):
        code, output = self.run_report(["hello\n"])
        self.assertEqual(code, 2)
        self.assertIn("line 1 has not five fields", output)


if __name__ == "__main__":
    unittest.main()
