"""The task: what it recognises, what it decides, what it builds and draws."""

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from convergent.config import make_config
from convergent.data.images import ImageFeatures
from convergent.data.source import open_source
from convergent.tasks import _classification, image_classification
from convergent.tasks.image_classification import TASK, is_symmetric
from convergent.types import UserError


@pytest.fixture(scope="module")
def splits(few_images):
    return TASK.load(open_source(str(few_images)), make_config())


def recognised(address, **options):
    recognition = TASK.recognise(open_source(str(address)), make_config(**options))
    return recognition.reason if recognition else None


def test_recognise(tmp_path):
    np.savez(tmp_path / "table.npz", x=np.zeros((50, 4)), y=np.zeros(50))
    assert recognised("sample:fashion") == "array `x_train` has the shape of images"
    assert recognised(tmp_path / "table.npz") is None
    assert recognised("sample:letter") is None
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    (tmp_path / "t.csv").write_text("picture,kind\n1.png,a\n")
    assert recognised(tmp_path / "t.csv") == "column `picture` holds paths of images"
    with pytest.raises(UserError, match="Did you mean `picture`"):
        recognised(tmp_path / "t.csv", path_column="pictures")


@pytest.mark.parametrize("model", ["cnn", "mlp", "resnet10t", "vit_tiny_patch16_224"])
def test_builds_and_decides(splits, model):
    config = TASK.defaults(splits.spec, make_config(model=model, epochs=3))
    assert config.epochs == 3
    for name in ("loss", "optimizer", "learning_rate", "batch_size", "schedule", "augment", "monitor"):
        assert getattr(config, name) is not None
    again = TASK.defaults(splits.spec, config) if model in TASK.models else config
    assert again == config
    network = TASK.build(splits.spec, config).eval()
    batch = splits.train.batch(np.arange(4))
    logits_BC = network(*batch.inputs)
    assert logits_BC.shape == (4, 10)
    assert TASK.loss(splits.spec, config)(logits_BC, batch.targets).isfinite()


def test_options_that_make_no_sense(splits, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"x")
    for message, options in {
        "Did you mean `resnet18`": {"model": "resnet18x"},
        "--width is for": {"model": "resnet18", "width": 8},
        "--pretrained needs a backbone": {"pretrained": "timm"},
        "--ensemble is for tables": {"ensemble": 3},
        "unknown augmentation `flipp`": {"augment": ["flipp"]},
        "other formats can run code": {"model": "resnet10t", "pretrained": "weights.pt"},
        "cannot be read": {"model": "resnet10t", "pretrained": str(tmp_path / "w.safetensors")},
    }.items():
        with pytest.raises(UserError) as error:
            TASK.build(splits.spec, TASK.defaults(splits.spec, make_config(**options)))
        assert message in str(error.value)


def test_weights_of_other_classes_and_channels(splits, tmp_path):
    import timm

    torch.manual_seed(0)
    published = timm.create_model("resnet10t", in_chans=3, num_classes=7)
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in published.state_dict().items()}, path)
    config = TASK.defaults(splits.spec, make_config(model="resnet10t", pretrained=str(path)))
    ours = TASK.build(splits.spec, config).net
    assert torch.equal(ours.layer4[0].conv1.weight, published.layer4[0].conv1.weight)
    assert torch.equal(ours.conv1[0].weight, published.conv1[0].weight.sum(1, keepdim=True))
    with pytest.raises(UserError, match="does not fit this model"):
        TASK.build(splits.spec, config.model_copy(update={"model": "resnet18"}))


def test_characters_are_not_mirrored(splits):
    def features(upright, mirrored):
        measured = {"upright_accuracy": upright, "mirrored_accuracy": mirrored}
        return ImageFeatures(**{**splits.spec.features, **measured})

    digits = [str(number) for number in range(10)]
    assert not is_symmetric(features(0.8, 0.4), digits)  # as handwritten digits are
    assert not is_symmetric(features(0.2, 0.2), digits)  # photographed house numbers: class means say nothing
    assert is_symmetric(features(0.68, 0.58), digits)  # clothes whose classes have numbers as names
    assert is_symmetric(features(0.26, 0.26), ["cat", "dog", "ship"] * 3)
    assert is_symmetric(ImageFeatures(**splits.spec.features), splits.spec.classes)


def test_draw_and_decode(splits):
    samples, spec = splits.test, splits.spec
    targets_B = samples.batch(np.arange(len(samples))).targets
    logits_BC = torch.nn.functional.one_hot((targets_B + (torch.arange(len(samples)) % 5 == 0)) % 10, 10) * 5.0
    panels = TASK.draw(samples, logits_BC, targets_B, spec)
    galleries = {panel.section: panel.data["items"] for panel in panels if panel.kind == "gallery"}
    assert len(galleries["data"]) == 20
    assert galleries["mistakes"][0]["caption"].startswith("true: ")
    assert all(item["png"] for items in galleries.values() for item in items)
    answer = TASK.decode(logits_BC, spec)[1]
    assert answer["class"] == spec.classes[targets_B[1]]
    assert len(answer["probabilities"]) == _classification.TOP
    assert answer["probability"] == max(answer["probabilities"].values())


def test_a_long_time_makes_the_network_wider_and_more_steps_make_each_shorter(splits, monkeypatch):
    monkeypatch.setattr(image_classification, "speed_here", lambda device: 1e10)
    spec = splits.spec.model_copy(update={"sizes": {**splits.spec.sizes, "train": 50_000}})
    usual, short, long = (TASK.defaults(spec, make_config(time_limit=seconds)) for seconds in (None, 120, 1_000_000))
    assert usual.width == short.width < long.width
    assert long.learning_rate < short.learning_rate
    assert TASK.defaults(spec, make_config(time_limit=1_000_000, width=24, learning_rate=0.5)).width == 24
    few, many = (TASK.defaults(spec, make_config(max_steps=steps)) for steps in (100, 10_000))
    assert many.learning_rate == pytest.approx(0.01) and few.learning_rate > many.learning_rate


def test_an_unknown_device_is_named_in_one_line(splits):
    with pytest.raises(UserError, match="--device foo: cannot be used"):
        TASK.defaults(splits.spec, make_config(time_limit=60, device="foo"))
