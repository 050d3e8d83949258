#!/usr/bin/env python3
"""The commands of lode-worker that run networks, as a user runs them, on small weights of the repository.

Usage: networks_test.py BIN_FOLDER SOURCE_FOLDER
"""
import base64
import hashlib
import json
import math
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

SOURCE = pathlib.Path(sys.argv.pop(2)).resolve()
WORKER = pathlib.Path(sys.argv.pop(1)).resolve() / "lode-worker"
FLUX = SOURCE / "tests" / "golden" / "flux" / "snapshot"


def run(*args, timeout=60):
    return subprocess.run([WORKER, *map(str, args)], capture_output=True, text=True, timeout=timeout)


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


class NetworksCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def copy_of_flux(self):
        copy = self.folder / "flux"
        shutil.copytree(FLUX, copy)
        return copy

    def image(self, *args, prompt="a photo of a cat", model=FLUX, name="out.png"):
        return run("image", prompt, "--model", model, "-o", self.folder / name, *args)


class Image(NetworksCase):
    def test_the_same_seed_makes_the_same_picture_and_another_another(self):
        for name, seed in (("a.png", 7), ("b.png", 7), ("c.png", 8)):
            done = self.image("--size", 64, "--seed", seed, name=name)
            self.assertEqual(done.returncode, 0, done.stderr)
        a, b, c = ((self.folder / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)

    def test_tells_its_stages_and_files_as_json(self):
        done = self.image("--size", "96x64", "--pictures", 2, "--steps", 2, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([png_size(pathlib.Path(file)) for file in told["files"]], [(96, 64)] * 2)
        self.assertEqual(set(told["stages"]), {"open", "encode", "modulate", "denoise", "decode"})
        self.assertGreaterEqual(told["seconds"], sum(told["stages"].values()) * 0.99)
        self.assertEqual(told["notes"], [])
        self.assertIn("denoise   2/2", done.stderr)

    def test_the_picture_does_not_depend_on_the_memory_budget(self):
        least = json.loads(run("models", FLUX, "--json").stdout)
        self.assertEqual(self.image("--size", 64, name="all.png").returncode, 0)
        done = self.image("--size", 64, "--memory", "36M", "--json", name="some.png")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "all.png").read_bytes(), (self.folder / "some.png").read_bytes())
        self.assertGreater(least["least_bfloat16_bytes"], 0)

    def test_too_small_a_budget_says_what_is_needed(self):
        done = self.image("--size", 64, "--memory", "100k")
        self.assertEqual(done.returncode, 5)
        self.assertRegex(done.stderr, r"needs .* raise the memory budget of 100 kB")

    def test_a_long_prompt_is_cut_and_that_is_said(self):
        done = self.image("--size", 64, "--json", prompt="a very small cat " * 200)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["notes"])

    def test_bad_sizes_name_the_nearest_good_ones(self):
        for size, said in (("65", "such as 64 or 80"), ("0", "such as 16"), ("99999", "such as 2048"),
                           ("64x", "WIDTHxHEIGHT"), ("a", "WIDTHxHEIGHT")):
            done = self.image("--size", size)
            self.assertEqual((done.returncode, said in done.stderr), (3, True), done.stderr)

    def test_a_wrong_or_damaged_folder_is_named(self):
        empty = self.image("--size", 64, model=self.folder)
        self.assertEqual(empty.returncode, 3)
        self.assertIn(f"{self.folder}/model_index.json", empty.stderr)

        flux = self.copy_of_flux()
        shard = flux / "transformer" / "diffusion_pytorch_model-00002-of-00003.safetensors"
        whole = shard.read_bytes()
        for damaged, said in ((None, shard.name), (whole[:100], shard.name), (whole[:-5], shard.name)):
            shard.unlink() if damaged is None else shard.write_bytes(damaged)
            done = self.image("--size", 64, model=flux)
            self.assertEqual((done.returncode, said in done.stderr), (3, True), done.stderr)

    def test_an_unknown_device_or_type_is_refused(self):
        done = self.image("--size", 64, "--device", "tpu")
        self.assertEqual((done.returncode, "tpu" in done.stderr), (3, True), done.stderr)
        self.assertEqual(self.image("--size", 64, "--dtype", "f64").returncode, 2)

    def test_an_interrupt_ends_it_in_good_order(self):
        process = subprocess.Popen(
            [WORKER, "image", "x", "--model", FLUX, "--size", "512", "--steps", "16", "-o", self.folder / "x.png"],
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if "modulate" in line:
                break
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1, said)
        self.assertIn("cancelled", said)
        self.assertFalse((self.folder / "x.png").exists())


class Cutout(NetworksCase):
    BIREFNET = SOURCE / "tests" / "golden" / "birefnet" / "snapshot"
    PICTURE = SOURCE / "docs" / "images" / "sketch_objects.png"

    def cutout(self, *args):
        return run("cutout", self.PICTURE, "-o", self.folder / "out.png", *args)

    def test_a_network_is_asked_where_the_picture_has_no_alpha(self):
        done = self.cutout("--model", self.BIREFNET, "--network-side", 64, "--patch-order", "channel_major", "--memory",
                           "1M", "--size", 128, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        opinions = json.loads(done.stdout)["pictures"][0]["opinions"]
        self.assertEqual([opinion["matter"] for opinion in opinions][:2], ["alpha", "birefnet"])
        self.assertIn("at 64x64, patches channel_major", opinions[1]["note"])
        self.assertEqual(png_size(self.folder / "out.png"), (128, 128))

    def test_asks_for_an_order_of_patches_that_nothing_tells(self):
        done = self.cutout("--model", self.BIREFNET, "--matter", "network", "--network-side", 64)
        self.assertEqual((done.returncode, "channel_major" in done.stderr), (3, True), done.stderr)

    def test_cuts_out_without_a_network(self):
        done = self.cutout("--size", 96, "--json", "--sheet", self.folder / "sheet.png")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["pictures"][0]["matter"], "grabcut")
        self.assertTrue((self.folder / "sheet.png").exists())

    def test_names_a_picture_that_is_none(self):
        done = run("cutout", FLUX / "model_index.json", "-o", self.folder / "out.png")
        self.assertEqual((done.returncode, "model_index.json" in done.stderr), (3, True), done.stderr)


class Score(NetworksCase):
    WEIGHTS = SOURCE / "tests" / "golden" / "score" / "snapshot"
    TOKENIZER = FLUX / "tokenizer"

    def setUp(self):
        super().setUp()
        self.splat = self.folder / "mug.spz"
        lode = WORKER.with_name("lode")
        subprocess.run([lode, "generate", "--prompt", "a red mug", "-o", self.splat], check=True, capture_output=True)

    def score(self, *args):
        done = run("score", self.splat, *args, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertLessEqual({"score", "alignment", "views", "verdict", "seconds"}, set(told))
        return told

    def test_judges_every_part_that_has_weights_and_draws_a_sheet(self):
        all_parts = ("--clip", self.WEIGHTS / "convnext", "--tokenizer", self.TOKENIZER, "--quality",
                     self.WEIGHTS / "quality", "--dinov2", self.WEIGHTS / "dinov2", "--lpips", self.WEIGHTS / "lpips")
        told = self.score("--prompt", "a red mug", *all_parts, "--sheet", self.folder / "sheet.png")
        self.assertEqual(told["judge"], "networks")
        self.assertTrue(all(len(told["breakdown"][part]["views"]) == 16 for part in ("alignment", "quality", "ssim")))
        self.assertEqual(told["score"], self.score("--prompt", "a red mug", *all_parts)["score"])
        self.assertGreater(png_size(self.folder / "sheet.png")[0], 1000)

    def test_says_what_was_not_judged(self):
        told = self.score("--prompt", "a red mug", "--clip", self.WEIGHTS / "clip_b", "--tokenizer", self.TOKENIZER)
        self.assertIn("not judged: quality, lpips", told["line"])
        self.assertIsNone(told["breakdown"]["quality"])

    def test_stops_at_four_views_when_the_floor_is_out_of_reach(self):
        weights = ("--clip", self.WEIGHTS / "clip_b", "--tokenizer", self.TOKENIZER, "--quality",
                   self.WEIGHTS / "quality", "--dinov2", self.WEIGHTS / "dinov2")
        told = self.score("--prompt", "a red mug", *weights, "--floor", 5)
        self.assertEqual(told["verdict"], "discarded")
        self.assertLess(told["score"], 5)
        self.assertIn("discarded on 4 views: ", told["line"])
        self.assertEqual(len(told["breakdown"]["alignment"]["views"]), 4)

    def test_judges_by_drawings_without_weights(self):
        told = self.score("--prompt", "a red mug")
        self.assertEqual((told["judge"], told["verdict"]), ("sketch", "pass"), told)
        self.assertEqual(self.score("--prompt", "a blue chair")["verdict"], "fail")

    def test_the_service_judges_with_the_same_networks(self):
        weights = ("--clip", self.WEIGHTS / "convnext", "--tokenizer", self.TOKENIZER, "--quality",
                   self.WEIGHTS / "quality", "--dinov2", self.WEIGHTS / "dinov2")
        process = subprocess.Popen([WORKER, "serve", "--listen", "127.0.0.1:0", *map(str, weights)],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        address = json.loads(process.stdout.readline())["listen"]
        body = json.dumps({"prompt": "a red mug", "data": base64.b64encode(self.splat.read_bytes()).decode(),
                           "compression": 2})
        request = urllib.request.Request(f"http://{address}/validate_txt_to_3d_ply/", body.encode(),
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            answer = json.load(reply)
        self.assertEqual(answer["judged"], ["data", "alignment", "quality", "ssim"])
        told = self.score("--prompt", "a red mug", *weights)
        self.assertAlmostEqual(answer["score"], told["score"], places=5)
        self.assertFalse(answer["discarded"])
        request.data = body[:-1].encode() + b', "score_floor": 5}'
        with urllib.request.urlopen(request, timeout=60) as reply:
            answer = json.load(reply)
        self.assertEqual((answer["discarded"], answer["ssim"]), (True, 0), answer)
        with urllib.request.urlopen(f"http://{address}/health", timeout=10) as reply:
            self.assertEqual(json.load(reply)["judge"], "engine")

    def test_names_a_folder_that_holds_no_weights(self):
        done = run("score", self.splat, "--prompt", "x", "--clip", self.folder)
        self.assertEqual((done.returncode, str(self.folder) in done.stderr), (3, True), done.stderr)


class BadScoreInput(NetworksCase):
    """What `score` says to clouds, prompts and weights that are none or odd ones."""
    SNAPSHOT = SOURCE / "tests" / "golden" / "score" / "snapshot"
    CLIP = ("--clip", SNAPSHOT / "convnext", "--tokenizer", FLUX / "tokenizer")
    COLUMNS = "x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3".split()

    def ball(self, count=7000, repeats=1, **columns):
        """A PLY of gaussians within a cube; `columns` gives one a value throughout, or a value of its number."""
        noise = random.Random(3)
        rows = []
        for i in range(count):
            row = dict.fromkeys(self.COLUMNS, 0.0) | {name: noise.uniform(-1, 1) for name in self.COLUMNS[:6]}
            row |= {"opacity": 3.0, "scale_0": -4.0, "scale_1": -4.0, "scale_2": -4.0, "rot_0": 0.6, "rot_1": 0.8}
            row |= {name: value(i, row[name]) if callable(value) else value for name, value in columns.items()}
            rows.append(struct.pack("<14f", *row.values()))
        header = ["ply", "format binary_little_endian 1.0", f"element vertex {count * repeats}"]
        header += [f"property float {name}" for name in self.COLUMNS] + ["end_header", ""]
        path = self.folder / "cloud.ply"
        path.write_bytes("\n".join(header).encode() + b"".join(rows) * repeats)
        return path

    def score(self, cloud, *args, prompt="a ball", weights=CLIP, timeout=60):
        return run("score", cloud, "--prompt", prompt, *weights, *args, "--json", timeout=timeout)

    def told(self, cloud, *args, **options):
        done = self.score(cloud, *args, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, done, *said):
        self.assertEqual(done.returncode, 3, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)

    def test_a_cloud_with_values_that_are_no_numbers_is_refused_by_name(self):
        for value, column in ((math.nan, "x"), (math.inf, "scale_1"), (-math.inf, "f_dc_0"), (math.nan, "opacity")):
            cloud = self.ball(**{column: lambda i, v, value=value: value if i == 10 else v})
            self.assert_refused(self.score(cloud), "cloud.ply", "10", column, "finite")

    def test_a_cloud_of_nothing_or_of_other_bytes_is_refused(self):
        self.assert_refused(self.score(self.ball(count=0)), "cloud.ply", "positive count")
        nonsense = self.folder / "cloud.spz"
        nonsense.write_bytes(b"no splat at all")
        self.assert_refused(self.score(nonsense), "cloud.spz")

    def test_what_the_validators_refuse_scores_nothing_and_says_why(self):
        for columns, reason in (({"count": 6999}, "6999"), ({"opacity": -20.0}, "opacities")):
            told = self.told(self.ball(**columns))
            self.assertEqual((told["score"], told["verdict"]), (0, "fail"), told)
            self.assertIn(reason, "; ".join(told["breakdown"]["refusals"]))

    def test_absurd_clouds_are_judged_as_they_look(self):
        scales = lambda value: {"scale_0": value, "scale_1": value, "scale_2": value}
        beside_every_camera = {"x": lambda i, v: 1000 + v}
        for columns in (scales(-30.0), scales(30.0), {"x": 0.5, "y": 0.5, "z": 0.5}, beside_every_camera):
            told = self.told(self.ball(**columns))
            self.assertTrue(math.isfinite(told["score"]), told)
            self.assertEqual(len(told["views"]), 16)

    def test_quotation_marks_and_mojibake_are_cleaned_before_the_network_reads_them(self):
        cloud = self.ball()
        alignments = [self.told(cloud, prompt=prompt)["alignment"]
                      for prompt in ("\u201cdrag\u00c3\u00b3n\u201d \ufb01re", '"drag\u00f3n" fire')]
        self.assertEqual(*alignments)

    def test_five_million_gaussians_are_judged(self):
        told = self.told(self.ball(count=5000, repeats=1000), timeout=240)
        self.assertTrue(math.isfinite(told["score"]), told)

    def test_any_prompt_is_judged_but_none_at_all(self):
        cloud = self.ball()
        for prompt, note in (("x y " * 2_500, "left out"), ("красный дракон 赤いドラゴン تنين 🐉", ""),
                             ("\u200b", ""), (" ", "empty")):
            told = self.told(cloud, prompt=prompt)
            self.assertTrue(math.isfinite(told["score"]), prompt)
            self.assertIn(note, "".join(told["notes"]))
        self.assertEqual(self.score(cloud, prompt="").returncode, 2)

    def test_missing_and_wrong_weights_are_named(self):
        cloud = self.ball()
        clip = lambda folder: ("--clip", folder, "--tokenizer", FLUX / "tokenizer")
        quality = lambda folder, backbone: ("--quality", folder, "--dinov2", backbone)
        for weights, said in (
                (clip("/nowhere/clip"), "/nowhere/clip"), (clip(self.SNAPSHOT / "dinov2"), "Dinov2Model"),
                (("--clip", self.SNAPSHOT / "convnext"), "merges.txt"),
                (("--clip", self.SNAPSHOT / "convnext", "--tokenizer", self.folder), str(self.folder)),
                (("--lpips", self.SNAPSHOT / "lpips"), "without which"),
                (quality(self.SNAPSHOT / "lpips", self.SNAPSHOT / "dinov2"), "quality_scorer.safetensors"),
                (quality(self.SNAPSHOT / "quality", self.SNAPSHOT / "clip_b"), "CLIPModel"),
                ((*self.CLIP, "--lpips", self.SNAPSHOT / "dinov2"), "alexnet.safetensors"),
                ((*self.CLIP, "--image-tower", self.SNAPSHOT / "dinov2"), "Dinov2Model")):
            self.assert_refused(self.score(cloud, weights=weights), said)

    def test_damaged_weights_are_named(self):
        cloud = self.ball()
        copy = self.folder / "clip"
        shutil.copytree(self.SNAPSHOT / "convnext", copy)
        file = copy / "open_clip_model.safetensors"
        whole = file.read_bytes()
        weights = ("--clip", copy, "--tokenizer", FLUX / "tokenizer")
        for damaged in (whole[:7], whole[:100], whole[:-5], b""):
            file.write_bytes(damaged)
            self.assert_refused(self.score(cloud, weights=weights), file.name)
        header = json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])
        begin = 8 + struct.unpack("<Q", whole[:8])[0] + header["visual.head.mlp.fc2.weight"]["data_offsets"][0]
        file.write_bytes(whole[:begin] + b"\xff\x7f" + whole[begin + 2 :])  # a NaN in float16
        done = self.score(cloud, weights=weights)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "NaN|no number")


SDS = SOURCE / "tests" / "golden" / "sds"
SCORE = SOURCE / "tests" / "golden" / "score" / "snapshot"
BIREFNET = SOURCE / "tests" / "golden" / "birefnet" / "snapshot"
PRESET = """
{guidance}
guidance_scale = 5
ref_size = 64
iters = {iters}
num_pts = 500
position_lr_max_steps = 4
"""


class Lift(NetworksCase):
    def setUp(self):
        super().setUp()
        self.lode = WORKER.with_name("lode")
        self.truth = self.folder / "mug.ply"
        self.picture = self.folder / "mug.png"
        subprocess.run([self.lode, "generate", "--prompt", "a red mug", "-o", self.truth], check=True, capture_output=True)
        subprocess.run([self.lode, "render", self.truth, "-o", self.picture, "--size", "256"], check=True,
                       capture_output=True)

    def preset(self, iters=3, guidance="lambda_zero123 = 1"):
        file = self.folder / "tiny.toml"
        file.write_text(PRESET.format(iters=iters, guidance=guidance))
        return file

    def lift(self, *args, out="out.ply"):
        return run("lift", *args, "-o", self.folder / out, timeout=120)

    def told(self, *args, out="out.ply"):
        done = self.lift(*args, "--json", out=out)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_lifts_a_photo_without_weights_and_says_so(self):
        done = self.lift(self.picture, "--json", "--preview", self.folder / "p.png", "--sheet", self.folder / "s.png")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertIn("without weights", done.stderr)
        self.assertEqual(told["stages_used"], "sketch, grabcut, sketch; critic: likeness")
        self.assertLessEqual({"decode", "cutout", "lift", "score"}, set(told["stages"]))
        self.assertGreaterEqual(told["gaussians"], 7000)
        self.assertGreater(told["seconds"], 0)
        self.assertEqual(png_size(self.folder / "p.png"), (514, 514))
        self.assertTrue((self.folder / "s.png").exists())

    def test_a_model_guides_and_the_same_seed_gives_the_same_splat(self):
        preset = self.preset()
        args = (self.picture, "--model", SDS / "zero123", "--preset", preset)
        told = self.told(*args, "--seed", 4, out="a.ply")
        self.told(*args, "--seed", 4, out="b.ply")
        self.told(*args, "--seed", 5, out="c.ply")
        a, b, c = ((self.folder / f"{name}.ply").read_bytes() for name in "abc")
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)
        self.assertIn("dream", told["stages_used"])
        self.assertTrue(any("3 steps of preset tiny" in note for note in told["notes"]), told["notes"])

    def test_views_of_a_model_that_draws_nothing_leave_it_to_distillation(self):
        for model, subject, guidance in (("zero123", (self.picture,), "lambda_zero123 = 1"),
                                         ("mvdream", ("--prompt", "a red mug"), "lambda_sd = 1\nmvdream = true")):
            told = self.told(*subject, "--model", SDS / model, "--lifter", "views", "--lifter-view-steps", 2,
                             "--preset", self.preset(iters=2, guidance=guidance))
            self.assertIn("views", told["stages_used"])
            self.assertTrue(any("did it alone" in note for note in told["notes"]), told["notes"])
            self.assertGreaterEqual(told["gaussians"], 7000)

    def test_the_linear_way_to_the_pixels_is_another_one(self):
        for way in ("exact", "linear"):
            self.told(self.picture, "--model", SDS / "zero123", "--preset", self.preset(), "--lifter-gradient", way,
                      out=f"{way}.ply")
        self.assertNotEqual(*((self.folder / f"{way}.ply").read_bytes() for way in ("exact", "linear")))

    def test_without_a_preset_the_model_draws_views_first_and_can_be_stopped(self):
        process = subprocess.Popen([WORKER, "lift", "--prompt", "a red mug", "--model", SDS / "mvdream", "-o",
                                    self.folder / "x.ply"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        said = ""
        for line in process.stderr:
            said += line
            if "sample" in line:
                break
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=60)[1]
        self.assertIn("sample", said)
        self.assertEqual((process.returncode, "cancelled" in said), (1, True), said)

    def test_a_prompt_is_lifted_by_a_model_of_texts(self):
        preset = self.preset(iters=2, guidance="lambda_sd = 1\nmvdream = true")
        told = self.told("--prompt", "a red mug", "--model", SDS / "mvdream", "--preset", preset)
        self.assertEqual((told["stages_used"], told["paintings"]), ("mvdream; critic: likeness", 0))

    def test_an_oracle_measures_without_weights(self):
        few = self.told("--guidance", "oracle", "--truth", self.truth, "--preset", self.preset(iters=2))
        more = self.told("--guidance", "oracle", "--truth", self.truth, "--preset", self.preset(iters=60))
        self.assertGreater(more["psnr_db"], few["psnr_db"])

    def test_a_budget_ends_it_in_time(self):
        told = self.told("--guidance", "oracle", "--truth", self.truth, "--preset", "image", "--budget", "3s")
        self.assertLess(told["stages"]["lift"], 20)  # 500 steps take minutes

    def test_bad_arguments_are_named(self):
        for args, said in (((), "a picture, or --prompt"), (("--guidance", "oracle"), "--truth"),
                           ((self.picture, "--guidance", "zero123"), "lifter_model"),
                           ((self.picture, "--model", self.folder), "model_index.json"),
                           ((self.picture, "--model", SDS / "zero123", "--preset", "image", "--budget", "soon"),
                            "lifter_budget soon"),
                           ((self.picture, "--model", SDS / "zero123", "--preset", "slow"), "image"),
                           ((FLUX / "model_index.json",), "PNG")):
            done = self.lift(*args)
            self.assertEqual((done.returncode, said in done.stderr), (3, True), done.stderr)
        self.assertEqual(self.lift(self.picture, out="out.obj").returncode, 3)

    def test_an_interrupt_ends_it_in_good_order(self):
        process = subprocess.Popen([WORKER, "lift", "--guidance", "oracle", "--truth", self.truth, "--preview",
                                    self.folder / "p.png", "-o", self.folder / "x.ply"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        while not (self.folder / "p.png").exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        self.assertEqual((process.returncode, "cancelled" in said), (1, True), said)
        self.assertFalse((self.folder / "x.ply").exists())
        png_size(self.folder / "p.png")  # as it came along


class Chain(NetworksCase):
    """Everything a network: FLUX, BiRefNet, Zero123 and the scoring engine, all tiny."""

    def serve(self, *args):
        preset = self.folder / "tiny.toml"
        preset.write_text(PRESET.format(iters=2, guidance="lambda_zero123 = 1"))
        weights = ("--painter-model", FLUX, "--painter-side", 64, "--painter-steps", 1, "--cutter-model", BIREFNET,
                   "--cutter-side", 64, "--cutter-patch-order", "channel_major", "--lifter-model", SDS / "zero123",
                   "--lifter-preset", preset, "--clip", SCORE / "convnext", "--tokenizer", FLUX / "tokenizer")
        process = subprocess.Popen([str(word) for word in (WORKER, "serve", "--listen", "127.0.0.1:0", "--backend", "chain",
                                                           *weights, *args)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        ready = process.stdout.readline()
        self.assertTrue(ready, ready or process.stderr.read() if not ready else "")
        return json.loads(ready)["listen"]

    def post(self, address, prompt, seed=1):
        body = urllib.parse.urlencode({"prompt": prompt, "seed": seed}).encode()
        with urllib.request.urlopen(f"http://{address}/generate/", body, timeout=120) as reply:
            return reply.read(), json.loads(reply.headers["x-lode-stages"])

    def test_a_prompt_goes_through_every_network_two_at_a_time_within_a_budget(self):
        alone = self.serve()
        with urllib.request.urlopen(f"http://{alone}/health", timeout=10) as reply:
            self.assertEqual(json.load(reply)["stages"], "flux, birefnet, dream; critic: engine")
        want = {}
        for prompt in ("a red mug", "a blue chair"):
            want[prompt], stages = self.post(alone, prompt)
            self.assertLessEqual({"paint", "judge painting", "cutout", "lift"}, set(stages))
            self.assertTrue(want[prompt].startswith(b"ply"))
        self.assertNotEqual(*want.values())
        both = self.serve("--jobs", 2, "--memory", "90M")
        got = {}
        threads = [threading.Thread(target=lambda p=p: got.__setitem__(p, self.post(both, p)[0])) for p in want]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(got, want)


class Models(NetworksCase):
    def test_tells_parts_sizes_and_whether_a_budget_fits(self):
        done = run("models", FLUX, "--memory", "1k", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([part["name"] for part in told["parts"]],
                         ["text_encoder", "text_encoder_2", "transformer", "vae"])
        transformer = told["parts"][2]
        self.assertEqual(transformer["float32_bytes"], 4 * transformer["parameters"])
        self.assertEqual(transformer["stored_types"], "F32")
        self.assertFalse(told["fits_bfloat16"])
        self.assertIn("seconds", told)

    def test_lists_a_folder_of_one_network_and_refuses_one_of_none(self):
        told = json.loads(run("models", FLUX / "text_encoder", "--values", "--hashes", "--json").stdout)
        self.assertEqual([(part["network"], part["tensors"]) for part in told["parts"]], [("CLIPTextModel", 36)])
        self.assertEqual(told["problems"], [])
        done = run("models", self.folder)
        self.assertEqual((done.returncode, "model.safetensors" in done.stderr), (3, True), done.stderr)

    def test_lists_every_problem_at_once(self):
        flux = self.copy_of_flux()
        (flux / "vae" / "diffusion_pytorch_model.safetensors").unlink()
        config = flux / "transformer" / "config.json"
        config.write_text(config.read_text().replace('"num_layers": 2', '"num_layers": 3'))
        done = run("models", flux, "--json")
        self.assertEqual(done.returncode, 3)
        problems = "\n".join(json.loads(done.stdout)["problems"])
        self.assertIn("vae", problems)
        self.assertIn("transformer_blocks.2.", problems)

    def test_finds_a_value_that_is_no_number(self):
        flux = self.copy_of_flux()
        file = flux / "vae" / "diffusion_pytorch_model.safetensors"
        data = bytearray(file.read_bytes())
        data[-4:] = struct.pack("<f", float("nan"))
        file.write_bytes(data)
        self.assertEqual(run("models", flux).returncode, 0)
        done = run("models", flux, "--values")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"vae: .*: 1 of \d+ values are NaN or infinite")

    def test_compares_digests_with_the_names_of_a_cache(self):
        flux = self.copy_of_flux()
        file = flux / "text_encoder" / "model.safetensors"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        blobs = self.folder / "blobs"
        blobs.mkdir()
        for name, code in ((digest, 0), ("0" * 64, 3)):
            target = blobs / name
            shutil.copy(FLUX / "text_encoder" / "model.safetensors", target)
            file.unlink()
            file.symlink_to(target)
            done = run("models", flux, "--hashes", "--json")
            self.assertEqual(done.returncode, code, done.stderr)
            part = json.loads(done.stdout)["parts"][0]
            self.assertEqual(part["files"][file.name]["sha256"], digest)


if __name__ == "__main__":
    unittest.main()
