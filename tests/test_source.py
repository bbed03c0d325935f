"""What lies at an address, how it is split, and what is refused."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convergent.data.bad import enforce_limit
from convergent.data.source import open_source, sample_names
from convergent.data.split import group_split, plain_split, split_fractions, stratified_split
from convergent.types import Refusal, UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVERGENT_CACHE", str(tmp_path / "cache"))


def picture(path: Path, size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 100).save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    for name in ("cat/1.png", "cat/.DS_Store.png", "dog/deep/2.jpg", "__MACOSX/x.png"):
        picture(tmp_path / "photos" / name)
    (tmp_path / "photos" / ".DS_Store").write_bytes(b"x")
    return tmp_path / "photos"


def refused(address, *words):
    with pytest.raises(UserError) as error:
        open_source(str(address))
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_class_folders(photos):
    source = open_source(str(photos))
    assert source.kind == "class_folders"
    assert source.parts == {"all": (photos,)}
    assert source.reason == "class folders `cat`, `dog`"


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "val", "test"), ("training", "dev")])
def test_split_folders(tmp_path, names):
    for name in names:
        picture(tmp_path / "data" / name / "a" / "1.png")
        picture(tmp_path / "data" / name / "b" / "1.png")
    source = open_source(str(tmp_path))  # an outer folder with nothing else stands for the inner one
    assert source.parts["train"] == (tmp_path / "data" / names[0],)
    assert len(source.parts) == len(names)


def test_folder_beside_splits_is_named(tmp_path):
    for name in ("train", "test", "extra"):
        picture(tmp_path / name / "a" / "1.png")
    refused(tmp_path, "`extra`")


def test_samples():
    assert open_source("sample:fashion").kind == "npz"
    assert open_source("sample:letter").kind == "table"
    assert {"fashion", "letter", "sms"} <= set(sample_names())
    refused("sample:fashon", "Did you mean `fashion`?")
    refused("sample:../pyproject", "there is no sample")


def test_files(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert open_source(str(tmp_path / "t.csv")).kind == "table"
    assert open_source(str(picture(tmp_path / "x.PNG"))).kind == "images"
    assert open_source(f"file://{tmp_path}/t.csv").kind == "table"
    for name in ("train.csv", "dev.csv", "test.csv"):
        (tmp_path / "split" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "split" / name).write_text("a,b\n1,2\n")
    assert list(open_source(str(tmp_path / "split")).parts) == ["train", "valid", "test"]
    assert len(open_source(str(tmp_path / "split" / "*.csv")).parts) == 3


def test_images_beside_their_table(tmp_path):
    picture(tmp_path / "pictures" / "1.png")
    (tmp_path / "labels.csv").write_text("path,label\npictures/1.png,cat\n")
    assert open_source(str(tmp_path)).kind == "table"


def test_idx_names(tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images.idx3-ubyte"):
        (tmp_path / name).write_bytes(b"x")
    source = open_source(str(tmp_path))
    assert source.kind == "idx"
    assert {split: len(paths) for split, paths in source.parts.items()} == {"train": 2, "test": 1}
    assert open_source(str(tmp_path / "train-images-idx3-ubyte.gz")).parts["train"][1].name.startswith("train-labels")


def test_nothing_there(tmp_path, photos):
    refused(tmp_path / "fotos", "Did you mean `photos`?")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "empty")
    (tmp_path / "e.csv").touch()
    refused(tmp_path / "e.csv", "empty")
    (tmp_path / "x.doc").write_text("x")
    refused(tmp_path / "x.doc", "not recognised")
    refused(tmp_path / "*.xyz", "no file matches")
    refused("", "empty")
    picture(tmp_path / "seg" / "images" / "1.png")
    picture(tmp_path / "seg" / "masks" / "1.png")
    refused(tmp_path / "seg", "not recognised")
    for name in ("train/images/1.png", "train/masks/1.png", "val/images/1.png"):
        picture(tmp_path / "split" / name)
    refused(tmp_path / "split", "not recognised", "it holds train/, val/")
    for name in ("a.csv", "b.csv"):
        (tmp_path / "several").mkdir(exist_ok=True)
        (tmp_path / "several" / name).write_text("x,y\n1,2\n")
    refused(tmp_path / "several", "several tables", "a.csv")


def test_a_class_may_be_called_train(tmp_path):
    for name in ("train", "bus"):
        picture(tmp_path / name / "1.png")
    assert open_source(str(tmp_path)).parts == {"all": (tmp_path,)}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives(tmp_path, photos, kind):
    archive = tmp_path / f"photos.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in photos.rglob("*.*"):
                if path.is_file():
                    file.write(path, path.relative_to(tmp_path))
    else:
        with tarfile.open(archive, "w:gz" if kind == "tar.gz" else "w") as file:
            file.add(photos, "photos")
    source = open_source(str(archive))
    assert source.kind == "class_folders"
    assert open_source(str(archive)).parts == source.parts
    archive.write_bytes(archive.read_bytes()[:-200] if kind != "tar" else b"nonsense" * 100)
    refused(archive, "cannot be unpacked")


@pytest.mark.parametrize("name", ["../out.png", "/out.png", "a/../../out.png", "..\\out.png", "C:/out.png"])
def test_archive_that_leads_out(tmp_path, name):
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as file:
        member = tarfile.TarInfo(name)
        member.size = 3
        file.addfile(member, io.BytesIO(b"abc"))
    refused(archive, "leads out")
    assert not list((tmp_path / "cache").rglob("*.png"))


def test_archive_with_a_link(tmp_path):
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as file:
        member = tarfile.TarInfo("a/passwd.png")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(member)
    refused(archive, "link")


def test_archive_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("convergent.data.fetch.FREE_GROWTH_BYTES", 2**20)
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/1.png", b"\0" * 2**23)
    refused(archive, "larger")


def test_remote():
    import fsspec

    memory = fsspec.filesystem("memory")
    for name in ("cat/1.png", "dog/1.png"):
        stream = io.BytesIO()
        Image.new("L", (8, 8)).save(stream, "PNG")
        memory.pipe(f"/pictures/{name}", stream.getvalue())
    memory.pipe("/one/table.csv", b"a,b\n1,2\n")
    assert open_source("memory://pictures").kind == "class_folders"
    assert open_source("memory://one/table.csv").kind == "table"
    refused("memory://nowhere", "nothing at this address")
    refused("nosuchprotocol://x", "cannot be read here")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(0, 9), st.booleans())
def test_stratified_split(labels, seed, with_test):
    labels = np.array(labels)
    test = 0.1 if with_test else 0.0
    parts = stratified_split(labels, 0.1, test, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all(np.array_equal(a, b) for a, b in zip(parts, stratified_split(labels, 0.1, test, seed), strict=True))
    for label, size in zip(*np.unique(labels, return_counts=True), strict=True):
        counts = [(labels[part] == label).sum() for part in parts]
        assert counts[0] >= 1
        assert size < 2 or counts[1] >= 1
        assert size < 3 or not with_test or counts[2] >= 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 9))
def test_group_split(groups, seed):
    groups = np.array(groups)
    parts = group_split(groups, 0.1, 0.1, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    of = [set(groups[part].tolist()) for part in parts]
    assert not of[0] & of[1] and not of[0] & of[2] and not of[1] & of[2]
    if len(set(groups.tolist())) >= 3:
        assert all(of)


def test_shares():
    assert split_fractions(100, 0.2, 0.3, has_test=False) == (0.2, 0.3)
    assert split_fractions(19_999, None, None, has_test=True)[0] == 0.1
    assert [len(part) for part in plain_split(1000, 0.1, 0.2, 0)] == [700, 100, 200]
    assert not np.array_equal(plain_split(100, 0.1, 0.0, 0).valid, plain_split(100, 0.1, 0.0, 1).valid)


def test_limit():
    bad = [Refusal(where=f"{i}.png", reason="empty") for i in range(5)]
    assert len(enforce_limit(bad, 500, 0.01)) == 5
    with pytest.raises(UserError, match=r"5 of 499.*0\.png: empty; 1\.png.*--max-bad 0\.02"):
        enforce_limit(bad, 499, 0.01)
    with pytest.raises(UserError, match="None is left"):
        enforce_limit(bad, 5, 1.0)


def written(path: Path, text: str = "some words\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_class_folders_of_texts(tmp_path):
    for name in ("train/pos/1.txt", "train/neg/2.txt", "test/pos/3.txt", "test/neg/4.TXT"):
        written(tmp_path / "films" / name)
    source = open_source(str(tmp_path))
    assert (source.kind, list(source.parts)) == ("text_folders", ["train", "test"])
    assert open_source(str(tmp_path / "films" / "train")).kind == "text_folders"
    picture(tmp_path / "films" / "train" / "pos" / "cover.png")
    assert open_source(str(tmp_path / "films" / "train")).kind == "class_folders"


def test_loose_texts(tmp_path):
    assert open_source(str(written(tmp_path / "a" / "emma.txt"))).kind == "text"
    written(tmp_path / "a" / "persuasion.txt")
    source = open_source(str(tmp_path / "a"))
    assert (source.kind, len(source.parts["all"])) == ("text", 2)
    assert open_source(str(tmp_path / "a" / "*.txt")).parts == source.parts
    for name in ("train", "valid", "test"):
        written(tmp_path / "b" / f"{name}.txt")
        written(tmp_path / "c" / name / "1.txt")
    assert list(open_source(str(tmp_path / "b")).parts) == ["train", "valid", "test"]
    assert list(open_source(str(tmp_path / "c")).parts) == ["train", "valid", "test"]


def test_texts_of_labels_beside_images_are_no_classes(tmp_path):
    picture(tmp_path / "images" / "1.png")
    written(tmp_path / "labels" / "1.txt")
    refused(tmp_path, "not recognised")
