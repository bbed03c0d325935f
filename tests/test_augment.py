"""Augmentations are pure functions of images and generator, and do what their names say."""

import numpy as np
import pytest
import torch

from convergent.data import augment
from convergent.data.augment import OF_IMAGES, OF_PAIRS, SHIFT, cutmix, cutout, flip, make_augment, mixup, shift
from convergent.types import Batch, UserError

NAMES = [*OF_IMAGES, *OF_PAIRS]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(channels=3, size=(12, 10), dtype=torch.uint8, count=32):
    images = torch.randint(0, 256, (count, channels, *size), generator=generator(1)).to(dtype)
    return Batch((images.contiguous(memory_format=torch.channels_last),), torch.arange(count) % 4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_pure_and_of_the_same_shape(name, channels, dtype):
    change, given = make_augment([name], 4), batch(channels, dtype=dtype)
    before = given.inputs[0].clone()
    first, second, other = (change(given, generator(seed), 0.5) for seed in (3, 3, 4))
    assert torch.equal(first.inputs[0], second.inputs[0])
    assert torch.equal(first.targets, second.targets)
    assert not torch.equal(first.inputs[0], other.inputs[0])
    assert torch.equal(given.inputs[0], before)
    assert first.inputs[0].shape == before.shape
    assert first.inputs[0].is_contiguous(memory_format=torch.channels_last)
    assert first.inputs[0].min() >= 0 and first.inputs[0].max() <= 255


@pytest.mark.parametrize("name", NAMES)
def test_an_even_image_stays_even(name):
    if name == "colour":
        return
    images = torch.full((16, 3, 9, 9), 77, dtype=torch.uint8)
    out = make_augment([name], 2)(Batch((images,), torch.zeros(16, dtype=torch.long)), generator(), 0.0).inputs[0]
    assert (out.float() - 77).abs().max() < 1e-3


def test_flip_mirrors_about_half():
    (images,), _ = batch(count=200)
    out = flip(images, generator())
    mirrored = (out == images.flip(3)).all((1, 2, 3))
    assert ((out == images).all((1, 2, 3)) ^ mirrored).all()
    assert 70 < mirrored.sum() < 130


def test_large_images_are_mirrored_as_small_ones(monkeypatch):
    (images,), _ = batch()
    small = flip(images, generator(7))
    monkeypatch.setattr(augment, "LARGE", 1)
    assert torch.equal(flip(images, generator(7)), small)


def test_shift_moves_by_whole_pixels_and_reflects():
    images = torch.arange(16 * 16, dtype=torch.float32).view(1, 1, 16, 16).repeat(200, 1, 1, 1)
    out = shift(images, generator())
    most = round(16 * SHIFT)
    padded = torch.nn.functional.pad(images[:1], (most,) * 4, mode="reflect")[0, 0]
    moved = {(y, x) for y in range(2 * most + 1) for x in range(2 * most + 1)}
    windows = {where: padded[where[0] : where[0] + 16, where[1] : where[1] + 16] for where in moved}
    seen = {where for image in out[:, 0] for where, window in windows.items() if torch.equal(image, window)}
    assert seen == moved
    assert all(any(torch.equal(image, window) for window in windows.values()) for image in out[:, 0])


def test_cutout_covers_one_square():
    images = torch.zeros(64, 1, 16, 16)
    images[..., 8:] = 100
    changed = (cutout(images, generator()) != images).flatten(1).sum(1)
    assert changed.max() == 16
    assert changed.min() >= 4


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_targets_are_blended_as_the_images_are(mix):
    images = torch.zeros(8, 1, 20, 20)
    images[::2] = 200
    targets = torch.nn.functional.one_hot(torch.arange(8) % 2, 2).float()
    for seed in range(20):
        mixed, soft = mix(images, targets, generator(seed))
        assert torch.allclose(soft.sum(1), torch.ones(8))
        assert torch.allclose(mixed.mean((1, 2, 3)) / 200, soft[:, 0], atol=1e-4)


def test_names():
    assert make_augment(["none"], 3) is None
    assert make_augment([], 3) is None
    with pytest.raises(UserError, match=r"unknown augmentation `flipp`\. Did you mean `flip`\?"):
        make_augment(["flipp"], 3)
    both = make_augment(["mixup", "cutmix", "flip"], 4)
    drawn = [both(batch(), generator(seed), 0.0).inputs[0].is_floating_point() for seed in range(20)]
    assert any(drawn) and not all(drawn)
    assert np.isclose(both(batch(), generator(), 0.0).targets.sum().item(), 32)
