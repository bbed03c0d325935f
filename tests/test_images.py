"""Images of all sorts become samples; what cannot be one is refused with its name and reason."""

import base64
import contextlib
import errno
import gzip
import io
import os
import struct
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from convergent.config import make_config
from convergent.data import cache as cache_module
from convergent.data import image_files, image_statistics, pixels
from convergent.data.arrays import read_idx, read_npz
from convergent.data.decode import BadImageError, Geometry, decode, read_header
from convergent.data.image_statistics import mirror_test
from convergent.data.images import ImageFeatures, load_images, png, read_images
from convergent.data.loader import TrainingBatches
from convergent.data.source import open_source
from convergent.models import normalized
from convergent.types import UserError

TASK = "image-classification"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVERGENT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def fashion():
    with np.load(Path(__file__).parents[1] / "samples" / "fashion.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture
def folder(tmp_path, fashion):
    """Sixty real images as JPEG class folders of three classes."""
    root = tmp_path / "photos"
    for row in range(200):
        label = int(fashion["y_train"][row])
        if label < 3:
            target = root / str(fashion["classes"][label])
            target.mkdir(parents=True, exist_ok=True)
            Image.fromarray(fashion["x_train"][row]).save(target / f"{row:03}.jpg", quality=95)
    return root


def load(address, **options):
    return load_images(open_source(str(address)), make_config(**options), TASK)


def refused(address, *words, **options):
    with pytest.raises(UserError) as error:
        load(address, **options)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value), str(error.value)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_sample():
    splits = load("sample:fashion")
    assert splits.spec.sizes == {"train": 5401, "valid": 599, "test": 1000}
    assert splits.spec.classes[0] == "t-shirt"
    assert sum(splits.spec.class_counts["valid"]) == 599
    (images_BCHW,), targets_B = splits.train.batch(np.array([5, 3]))
    assert images_BCHW.shape == (2, 1, 28, 28)
    assert images_BCHW.dtype == torch.uint8
    assert images_BCHW.is_contiguous(memory_format=torch.channels_last)
    assert targets_B.dtype == torch.int64
    assert splits.train.decoded
    assert splits.train.name(0).startswith("x_train[")


def test_statistics_are_those_of_the_training_split():
    splits = load("sample:fashion")
    (images_BCHW,), _ = splits.train.batch(np.arange(len(splits.train)))
    features = ImageFeatures(**splits.spec.features)
    assert features.mean[0] == pytest.approx((images_BCHW / 255).mean().item(), abs=1e-5)
    assert features.std[0] == pytest.approx((images_BCHW / 255).std().item(), abs=1e-4)


def test_class_folders(folder, fashion):
    splits = load(folder)
    assert splits.spec.classes == ["pullover", "t-shirt", "trouser"]
    features = ImageFeatures(**splits.spec.features)
    assert (features.channels, features.height, features.resize) == (1, 28, "none")
    row = int(Path(splits.train.name(0)).stem)
    (images_BCHW,), targets_B = splits.train.batch(np.array([0]))
    assert np.abs(images_BCHW[0, 0].numpy().astype(int) - fashion["x_train"][row]).mean() < 4
    assert splits.spec.classes[targets_B[0]] == splits.train.name(0).split("/")[0]
    assert load(folder).spec.fingerprint == splits.spec.fingerprint
    next(folder.rglob("*.jpg")).unlink()
    assert load(folder).spec.fingerprint != splits.spec.fingerprint


@pytest.mark.parametrize("gigabytes", [8.0, 0.0])
def test_cache_and_decoding_on_demand_give_the_same(folder, gigabytes, monkeypatch):
    direct = load(folder)
    monkeypatch.setattr(image_files, "FEW", 0)
    first, second = load(folder, cache_gigabytes=gigabytes), load(folder, cache_gigabytes=gigabytes)
    assert first.train.decoded == second.train.decoded == (gigabytes > 0)
    assert first.spec == second.spec == direct.spec
    rows = np.arange(len(direct.train))
    for splits in (first, second):
        assert torch.equal(splits.train.batch(rows).inputs[0], direct.train.batch(rows).inputs[0])


def test_cache_makes_room(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "FEW", 0)
    size = 1 / 2**30 * 28 * 28 * 400
    load(folder, cache_gigabytes=size, image_size=56)
    load(folder, cache_gigabytes=size, image_size=40)
    assert len(list((tmp_path / "cache" / "convergent" / "arrays").iterdir())) == 1


def test_full_disk(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(image_files, "FEW", 0)
    monkeypatch.setattr(cache_module, "_reserve", full)
    refused(folder, "No space left on device", "CONVERGENT_CACHE")
    assert not list((tmp_path / "cache" / "convergent" / "arrays").iterdir())


def test_damaged_files_are_refused_by_name(folder):
    files = sorted(folder.rglob("*.jpg"))
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:300])
    files[2].write_bytes(b"no image at all")
    (folder / "trouser" / "notes.txt").write_text("x")
    refused(folder, "4 of", "--max-bad 0.0", "is no image")
    spec = load(folder, max_bad=0.1).spec
    assert {refusal.where.split("/")[-1] for refusal in spec.refused} == {"notes.txt", *(f.name for f in files[:3])}
    assert {"the file is empty", "is not an image, or damaged"} <= {refusal.reason for refusal in spec.refused}


def test_all_damaged(tmp_path):
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    refused(tmp_path, "None is left", max_bad=1.0)


def test_classes_that_cannot_be(tmp_path, fashion):
    for row in range(40):
        (tmp_path / "one" / "only").mkdir(parents=True, exist_ok=True)
        (tmp_path / "ids" / str(row)).mkdir(parents=True)
        Image.fromarray(fashion["x_train"][row]).save(tmp_path / "one" / "only" / f"{row}.png")
        Image.fromarray(fashion["x_train"][row]).save(tmp_path / "ids" / str(row) / "x.png")
    refused(tmp_path / "one", "one class only")
    refused(tmp_path / "ids", "identifier")
    refused(tmp_path / "ids", "--max-classes 10", max_classes=10)
    refused(tmp_path / "one" / "only", "no classes")


def test_class_that_only_the_test_split_has(folder, tmp_path):
    root = tmp_path / "split"
    root.mkdir()
    folder.rename(root / "train")
    image = Image.new("L", (28, 28))
    for name in ("trouser", "bag"):
        (root / "test" / name).mkdir(parents=True)
        image.save(root / "test" / name / "1.png")
    refused(root, "the test split has the class `bag`")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I"])
@pytest.mark.parametrize("channels", [1, 3])
def test_modes(mode, channels):
    grey = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (16, 1))
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(grey.astype(np.int32) * 257)
    else:
        image = Image.fromarray(grey).convert("RGB" if mode in ("CMYK", "P") else mode).convert(mode)
    content = encoded(image, "TIFF" if mode in ("CMYK", "I") else "PNG")
    pixels_HWC = decode(content, Geometry(channels, 16, 16)).numpy()
    assert pixels_HWC.shape == (16, 16, channels)
    if mode != "1":
        assert np.abs(pixels_HWC.astype(int) - grey[..., None]).max() <= (26 if mode == "P" else 2)
    assert read_header(content).grey == (mode in ("1", "L", "LA", "I;16", "I"))


def test_transparency_is_laid_over_white():
    assert (decode(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0))), Geometry(3, 8, 8)) == 255).all()


@pytest.mark.parametrize("size", [(60, 40), (900, 600)])
def test_orientation(size):
    image = Image.new("RGB", size)
    image.paste("white", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: what was left is up
    content = encoded(image, "JPEG", exif=exif, quality=100)
    assert read_header(content)[1:] == size
    pixels_HWC = decode(content, Geometry(3, size[0], size[1]))
    assert pixels_HWC[: size[0] // 2 - 8].float().mean() > 250
    assert pixels_HWC[size[0] // 2 + 8 :].float().mean() < 5


@pytest.mark.parametrize("size", [(100, 40), (40, 100), (41, 41), (3, 500), (1600, 1200)])
def test_sizes(size):
    assert decode(encoded(Image.new("RGB", size), "JPEG"), Geometry(3, 32, 32)).shape == (32, 32, 3)


def test_bombs_and_nonsense():
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 30_000, 30_000, 8, 2, 0, 0, 0, 0)
    for content in (huge, b"\xff\xd8\xff" + bytes(100), bytes(10)):
        with pytest.raises(BadImageError):
            decode(content, Geometry(3, 32, 32))


@given(st.integers(0, 2**31), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]))
@settings(deadline=None)
def test_any_damage_is_a_reason(seed, kind):
    rng = np.random.default_rng(seed)
    content = bytearray(encoded(Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)), kind))
    for place in rng.integers(len(content), size=5):
        content[place] = rng.integers(256)
    try:
        assert decode(bytes(content[: rng.integers(len(content) + 1)]), Geometry(3, 8, 8)).shape == (8, 8, 3)
    except BadImageError as error:
        assert str(error)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_an_array_or_a_user_error(content):
    with tempfile.TemporaryDirectory() as folder:
        for read, name, head in (
            (read_idx, "a", b"\0\0\x08\x01"),
            (read_idx, "a.gz", b"\x1f\x8b"),
            (read_npz, "a.npz", b"PK"),
        ):
            for start in (b"", head):
                path = Path(folder) / name
                path.write_bytes(start + content)
                with contextlib.suppress(UserError):
                    read(path)


@given(st.integers(0, 2**31))
@example(450536756)  # becomes an encrypted one
@settings(deadline=None)
def test_any_damaged_npz_is_an_array_or_a_user_error(seed):
    rng = np.random.default_rng(seed)
    stream = io.BytesIO()
    np.savez_compressed(stream, x=rng.integers(0, 255, (3, 4, 4), dtype=np.uint8), y=np.arange(3))
    content = bytearray(stream.getvalue())
    for place in rng.integers(len(content), size=3):
        content[place] = rng.integers(256)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            read_npz(path)


def test_loader_workers_decode(folder, monkeypatch):
    direct = load(folder)
    monkeypatch.setattr(image_files, "FEW", 0)
    on_demand = load(folder, cache_gigabytes=0.0)
    for workers in (0, 2):
        batches = TrainingBatches(on_demand.train, 8, 0, torch.device("cpu"), workers=workers).from_step(0)
        expected = TrainingBatches(direct.train, 8, 0, torch.device("cpu")).from_step(0)
        for _ in range(3):
            assert torch.equal(next(batches)[1].inputs[0], next(expected)[1].inputs[0])
        batches.close()


def test_mixed_sizes_and_modes(folder):
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))):
        Image.open(path).convert("RGB" if number % 2 else "L").resize((30 + number % 7, 40)).save(path)
    features = ImageFeatures(**load(folder).spec.features)
    assert (features.channels, features.height, features.width, features.resize) == (3, 33, 33, "cover")
    assert load(folder, image_size=16).train.batch(np.arange(2)).inputs[0].shape == (2, 3, 16, 16)


def test_table_of_paths(folder):
    rows = [f"{path.relative_to(folder.parent)},{path.parent.name},{path.name[0]}" for path in folder.rglob("*.jpg")]
    table = folder.parent / "labels.csv"
    table.write_text("\n".join(["file,label,session", *rows, "../../etc/passwd.jpg,trouser,0", ",trouser,1", ""]))
    refused(table, "which column is the class?", "label, session")
    refused(table, "`labl`", "Did you mean `label`?", target="labl")
    refused(table, "2 of", "leads out of the table's folder", target="label")
    splits = load(table, target="label", group_column="session", max_bad=0.1)
    assert "the path is missing" in {refusal.reason for refusal in splits.spec.refused}
    of = [{Path(part.name(i)).name[0] for i in range(len(part))} for part in (splits.train, splits.valid)]
    assert not of[0] & of[1]
    table.write_text("\n".join(["file,split", *(f"{row.split(',')[0]},test" for row in rows)]))
    new = read_images(open_source(str(table)), splits.spec, make_config(target="label", group_column="session"))
    assert len(new) == len(rows)
    assert (new.targets == -1).all()


def test_split_column(folder):
    rows = [
        f"{path.relative_to(folder.parent)},{path.parent.name},{('train', 'val', 'test')[number % 3]}"
        for number, path in enumerate(folder.rglob("*.jpg"))
    ]
    table = folder.parent / "labels.csv"
    table.write_text("\n".join(["file,label,split", *rows]))
    sizes = load(table).spec.sizes
    assert sizes["train"] - sizes["test"] in (0, 1)
    table.write_text("\n".join(["file,label,split", *rows]).replace(",val", ",later"))
    refused(table, "`later`", "none of train, valid, test")


def idx(array):
    codes = {1: 8, 4: 12}
    head = struct.pack(">HBB", 0, codes[array.itemsize], array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def test_idx(tmp_path, fashion):
    for split, part in (("train", slice(0, 300)), ("t10k", slice(300, 400))):
        (tmp_path / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(fashion["x_train"][part])))
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(idx(fashion["y_train"][part]))
    splits = load(tmp_path)
    assert splits.spec.sizes == {"train": 271, "valid": 29, "test": 100}
    assert splits.spec.classes == [str(number) for number in range(10)]
    assert splits.test.name(3) == "t10k-images-idx3-ubyte.gz[3]"
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx(fashion["y_train"][:299]))
    refused(tmp_path, "299", "300 images")
    labels.write_bytes(labels.read_bytes()[:100])
    refused(tmp_path, "truncated")
    labels.unlink()
    refused(tmp_path, "labels is missing")


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_bad_npz(tmp_path, fashion):
    x, y = fashion["x_train"][:50], fashion["y_train"][:50]
    path = tmp_path / "a.npz"
    for message, arrays in {
        "there are 50 images": {"x": x, "y": y[:40]},
        "no array `y`": {"x": x},
        "no array `x`. It holds: images": {"images": x, "y": y},
        "no array of images": {"x": x.reshape(50, -1), "y": y},
        "Python objects": {"x": x, "y": np.array([{}] * 50)},
        "are no pixels": {"x": x / 255.0 - 0.5, "y": y},
        "holds no classes": {"x": x, "y": y + 0.5},
        "the label 3 is none of the 3 names": {"x": x, "y": y, "classes": np.array(["a", "b", "c"])},
        "one class only": {"x": x, "y": y * 0},
        "different shapes": {"x_train": x, "y_train": y, "x_test": x[:, :20], "y_test": y},
    }.items():
        refused(write(path, **arrays), message)
    write(path, x=x, y=y)
    content = path.read_bytes()
    path.write_bytes(content[:-500])
    refused(path, "is not a complete npz file")
    path.write_bytes(content[:5000] + bytes(200) + content[5200:])
    refused(path, "is not a complete npz file")


def test_npz_that_claims_too_much(tmp_path):
    import zipfile

    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", stream.getvalue())
        file.writestr("y.npy", stream.getvalue())
    refused(tmp_path / "a.npz", "more than the file can hold")


@pytest.mark.parametrize("dtype", ["float32", "uint16", "bool", "int64", "float32 of 0..255"])
def test_npz_values(tmp_path, fashion, dtype):
    x, y = fashion["x_train"][:50], fashion["y_train"][:50]
    given = {
        "float32": (x / 255).astype(np.float32),
        "uint16": x.astype(np.uint16) * 257,
        "bool": x > 127,
        "int64": x.astype(np.int64),
        "float32 of 0..255": x.astype(np.float32),
    }[dtype]
    splits = load(write(tmp_path / "a.npz", x=given, y=y.astype(str)))
    row = int(splits.train.name(0)[2:-1])
    expected = (x[row] > 127) * 255 if dtype == "bool" else x[row]
    assert np.array_equal(splits.train.batch(np.array([0])).inputs[0][0, 0].numpy(), expected)


def test_channels_first(tmp_path, fashion):
    x = np.stack([fashion["x_train"][:50]] * 3, 1)
    splits = load(write(tmp_path / "a.npz", x=x, y=fashion["y_train"][:50]))
    row = int(splits.train.name(0)[2:-1])
    assert np.array_equal(splits.train.batch(np.array([0])).inputs[0][0].numpy(), x[row])


def test_new_data(folder, tmp_path, fashion):
    spec = load(folder).spec
    config = make_config()
    again = read_images(open_source(str(folder)), spec, config)
    assert set(again.targets.tolist()) == {0, 1, 2}
    picture = tmp_path / "new.png"
    Image.fromarray(fashion["x_train"][0]).resize((50, 90)).convert("RGBA").save(picture)
    one = read_images(open_source(str(picture)), spec, config)
    assert one.batch(np.array([0])).inputs[0].shape == (1, 1, 28, 28)
    assert one.targets.tolist() == [-1]
    assert one.name(0) == str(picture)
    arrays = write(tmp_path / "new.npz", x=np.stack([fashion["x_train"][:5]] * 3, 3).repeat(2, 1))
    assert read_images(open_source(str(arrays)), spec, config).batch(np.arange(5)).inputs[0].shape == (5, 1, 28, 28)
    (folder / "trousers").mkdir()
    Image.fromarray(fashion["x_train"][0]).save(folder / "trousers" / "1.png")
    with pytest.raises(UserError, match=r"`trousers` is not known\. Did you mean `trouser`\?"):
        read_images(open_source(str(folder)), spec, config)
    picture.write_bytes(b"x")
    with pytest.raises(UserError, match=r"new.png: is not an image"):
        read_images(open_source(str(picture)), spec, config)


def test_options_without_meaning(folder):
    refused(folder, "--group-column names a column", group_column="x")
    refused(folder, "--target names a column", target="x")


def test_mirror_test_tells_shapes_from_characters(fashion):
    from PIL import ImageDraw, ImageFont

    rng = np.random.default_rng(0)
    targets = rng.integers(0, 10, 400)
    digits = np.zeros((400, 28, 28, 1), dtype=np.uint8)
    for row, target in enumerate(targets):
        image = Image.new("L", (28, 28))
        place = tuple(rng.integers(5, 9, 2).tolist())
        ImageDraw.Draw(image).text(place, str(target), 255, ImageFont.load_default(18))
        digits[row, ..., 0] = np.asarray(image)
    upright, mirrored = mirror_test(torch.from_numpy(digits), torch.from_numpy(targets), 10)
    assert mirrored < 0.6 * upright
    clothes = torch.from_numpy(fashion["x_train"][:2000, ..., None])
    upright, mirrored = mirror_test(clothes, torch.from_numpy(fashion["y_train"][:2000].astype(np.int64)), 10)
    assert mirrored > 0.75 * upright


def test_png(fashion):
    samples = load("sample:fashion").test
    image = Image.open(io.BytesIO(base64.b64decode(png(samples, 3))))
    assert np.array_equal(np.asarray(image), fashion["x_test"][3])


def test_a_large_image_size_by_default_is_bounded():
    assert pixels.choose_geometry(False, (4000, 3000), False, None) == Geometry(3, 224, 224)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_standardised_alike_in_every_layout(layout, dtype, monkeypatch):
    monkeypatch.setattr(normalized, "PIECE", 100)  # several pieces of rows, the last one smaller
    images_BCHW = torch.randint(0, 256, (3, 3, 7, 9), generator=torch.Generator().manual_seed(0)).to(dtype)
    images_BCHW = images_BCHW.contiguous(memory_format=layout)
    mean_C, std_C = torch.tensor([100.0, 120.0, 90.0]), torch.tensor([60.0, 50.0, 70.0])
    expected_BCHW = (images_BCHW.double() - mean_C.double()[:, None, None]) / std_C.double()[:, None, None]
    torch.testing.assert_close(
        normalized.standardise(images_BCHW, mean_C, std_C).double(), expected_BCHW, rtol=0, atol=1e-6
    )


def test_patches_of_large_images_are_few():
    assert len(image_statistics.patches_of(torch.zeros(2, 3, 224, 301, dtype=torch.uint8))) <= 2 * 32 * 45


def test_what_a_killed_decoding_left_is_removed_in_time():
    arrays = cache_module.cache_folder() / "arrays"
    for name, age in (("old", 2), ("new", 0)):
        (arrays / f"{cache_module.UNFINISHED}{name}").mkdir(parents=True)
        os.utime(arrays / f"{cache_module.UNFINISHED}{name}", (time.time() - age * cache_module.ABANDONED_SECONDS,) * 2)
    assert cache_module.cached_array("key", (2, 3), 1.0, lambda array: {"bad": []}) is not None
    assert not (arrays / f"{cache_module.UNFINISHED}old").exists()
    assert (arrays / f"{cache_module.UNFINISHED}new").exists()
