#!/usr/bin/env python3
"""lode simulate as a user runs it: its keys, its flags, its files, its refusals.

Usage: simulate_test.py BIN_FOLDER
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

BIN = pathlib.Path(sys.argv.pop(1)).resolve()
LODE = BIN / "lode"
CONTRACT = ("accepted", "empty", "rejected", "violations", "bound", "ratio")


def run(*args, cwd=None, timeout=60):
    return subprocess.run([str(LODE), *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=cwd)


class Simulate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lode_simulate_")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def simulate(self, *args):
        """The JSON of a run, in a folder without a lode.toml."""
        result = run("simulate", *args, "--json", cwd=self.dir)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("\n"), 1)
        return json.loads(result.stdout)

    def test_one_policy_has_the_contracts_keys(self):
        for policy in ("base", "poll10", "lode"):
            report = self.simulate("--hours", 4, "--validators", 8, "--workers", 2, "--generation-seconds", "15-25",
                                   "--policy", policy, "--seed", 1)
            for key in CONTRACT:
                self.assertIn(key, report)
            self.assertEqual(report["policy"], policy)
            self.assertEqual(report["bound"], 384)
            self.assertAlmostEqual(report["ratio"], report["accepted"] / report["bound"])
            self.assertAlmostEqual(report["attainable_ratio"], report["accepted"] / report["attainable"])
            self.assertLessEqual(report["attainable"], report["bound"])
            self.assertNotIn("policies", report)

    def test_all_policies_are_reported_with_lodes_numbers_on_top(self):
        report = self.simulate("--hours", 24, "--policy", "all", "--fault-rate", 0.02, "--reject-rate", 0.1)
        base, poll10, lode = report["policies"]
        self.assertEqual([base["policy"], poll10["policy"], lode["policy"]], ["base", "poll10", "lode"])
        for key in CONTRACT:
            self.assertEqual(report[key], lode[key])
        self.assertGreater(lode["accepted"], max(base["accepted"], poll10["accepted"]))
        self.assertLess(lode["rejected"] * 3, base["rejected"])
        self.assertEqual(lode["windows"], 6)
        self.assertGreater(lode["standard_error"], 0)
        self.assertEqual(report["parameters"]["fault_replies"], 0.02)

    def test_the_same_seed_gives_the_same_bytes(self):
        args = ("simulate", "--hours", 8, "--fault-rate", 0.05, "--reject-rate", 0.1, "--clock-offset", 1,
                "--policy", "all", "--seed")
        for more in ([], ["--json"]):
            first, again, other = (run(*args, seed, *more).stdout for seed in (5, 5, 6))
            self.assertTrue(first)
            self.assertEqual(first, again)
            self.assertNotEqual(first, other)

    def test_bad_input_is_refused_by_name(self):
        for args, code, name in ((("--hours", "-1"), 3, "hours"), (("--hours", "nan"), 3, "hours"),
                                 (("--hours", "10001"), 3, "hours"), (("--hours", "x"), 2, "--hours"),
                                 (("--validators", "0"), 3, "validators"), (("--validators", "4097"), 3, "validators"),
                                 (("--workers", "1025"), 3, "workers"), (("--workers", "99999999999999"), 2, "--workers"),
                                 (("--validators", "4096", "--hours", "10000"), 3, "validators times hours"),
                                 (("--generation-seconds", "25-15"), 3, "generation-seconds"),
                                 (("--fault-rate", "1.5"), 3, "fault-"), (("--policy", "best"), 3, "policy 'best'"),
                                 (("--plot", "plot.png"), 2, "plot.png"), (("--seed", "-1"), 2, "--seed"),
                                 (("--scorer-error", "0.1", "--scorer-correlation", "0.5"), 2, "--scorer-error"),
                                 (("--from-journal", "missing.db"), 3, "missing.db")):
            result = run("simulate", *args, cwd=self.dir)
            self.assertEqual(result.returncode, code, (args, result.stderr))
            self.assertIn(name, result.stderr)
            self.assertEqual(result.stdout, "")

    def test_a_file_gives_what_no_flag_does(self):
        config = self.dir / "simulation.toml"
        config.write_text('validators = 3\ngeneration-seconds = "10-12"\nfault-rate = 0.01\n')
        report = self.simulate("--config", config, "--validators", 5)
        self.assertEqual(report["parameters"]["validators"], 5)
        self.assertEqual(report["parameters"]["generation"], "10-12 s")
        self.assertEqual(report["parameters"]["fault_pulls"], 0.01)
        config.write_text("validatorz = 3\n")
        result = run("simulate", "--config", config)
        self.assertEqual(result.returncode, 3)
        self.assertIn("validators", result.stderr)

    def test_the_plot_is_an_svg_with_every_policy(self):
        plot = self.dir / "plot.svg"
        report = self.simulate("--policy", "all", "--plot", plot)
        root = xml.etree.ElementTree.parse(plot).getroot()
        names = [element.tag.split("}")[1] for element in root.iter()]
        self.assertEqual(names.count("polyline"), 3)
        words = " ".join(element.text for element in root.iter() if element.text)
        for policy in report["policies"]:
            self.assertIn(f"{policy['policy']}: {policy['accepted']} (", words)
        self.assertIn("bound: 384.0", words)


if __name__ == "__main__":
    os.environ.pop("LODE_CONFIG", None)
    unittest.main(verbosity=2)
