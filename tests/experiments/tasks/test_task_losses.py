import pytest
import torch

from dalsegno.experiments.tasks.losses.affinities_loss import AffinitiesLoss
from dalsegno.experiments.tasks.losses.cross_entropy_loss import CrossEntropyLoss
from dalsegno.experiments.tasks.losses.hot_distance_loss import HotDistanceLoss
from dalsegno.experiments.tasks.losses.mse_loss import MSELoss

torch.manual_seed(0)
PREDICTION = torch.randn(2, 4, 4, 4)
CLASSES = torch.randint(0, 4, (2, 4, 4))
TARGET = torch.nn.functional.one_hot(CLASSES, 4).permute(0, 3, 1, 2).float()
LOSSES = [
    MSELoss(),
    CrossEntropyLoss(),
    CrossEntropyLoss(dice_weight=1.0, tversky_beta=0.7),
    HotDistanceLoss(),
    HotDistanceLoss(dice_weight=1.0, tversky_beta=0.7),
    AffinitiesLoss(4),
    AffinitiesLoss(3, 0.5),
    AffinitiesLoss(3, 0.5, dice_weight=1.0, tversky_beta=0.7),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_what_has_no_weight_has_no_influence(loss):
    weight = torch.ones_like(TARGET)
    weight[:, :, 2:] = 0
    prediction = PREDICTION.clone().requires_grad_()
    value = loss.compute(prediction, TARGET, weight)
    value.backward()
    assert not prediction.grad[:, :, 2:].any()
    assert prediction.grad[:, :, :2].any()
    other = PREDICTION.clone()
    other[:, :, 2:] = 100
    torch.testing.assert_close(loss.compute(other, TARGET, weight), value)


def test_cross_entropy_is_that_of_torch():
    expected = torch.nn.functional.cross_entropy(PREDICTION, CLASSES)
    torch.testing.assert_close(CrossEntropyLoss().compute(PREDICTION, TARGET, torch.ones_like(TARGET)), expected)


def test_mse_is_the_mean_over_what_counts():
    weight = torch.zeros_like(TARGET)
    weight[0] = 1
    expected = ((PREDICTION - TARGET)[0] ** 2).mean()
    torch.testing.assert_close(MSELoss().compute(PREDICTION, TARGET, weight), expected)


def test_dice_is_added_on_demand():
    weight = torch.ones_like(TARGET)
    plain = CrossEntropyLoss().compute(PREDICTION, TARGET, weight)
    half, full = (CrossEntropyLoss(dice_weight=share).compute(PREDICTION, TARGET, weight) for share in (0.5, 1.0))
    assert plain < half < full
    torch.testing.assert_close(full - half, half - plain)


@pytest.mark.parametrize("loss", LOSSES)
def test_without_any_weight_there_is_no_loss(loss):
    prediction = PREDICTION.clone().requires_grad_()
    value = loss.compute(prediction, TARGET, torch.zeros_like(TARGET))
    value.backward()
    assert value == 0
    assert not prediction.grad.any()


@pytest.mark.parametrize("loss", LOSSES)
def test_half_precision_gives_nearly_the_same_loss(loss):
    prediction, weight = 5 * PREDICTION, torch.rand_like(TARGET)
    exact = loss.compute(prediction, TARGET, weight)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss.compute(prediction.bfloat16(), TARGET, weight)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, exact, rtol=0.02, atol=1e-3)


def test_descriptors_are_trained_beside_the_affinities():
    weight = torch.ones_like(TARGET)
    losses = {ratio: AffinitiesLoss(3, ratio).compute(PREDICTION, TARGET, weight) for ratio in (0.0, 1.0, 2.0)}
    squares = ((PREDICTION[:, 3].sigmoid() - TARGET[:, 3]) ** 2).mean()
    torch.testing.assert_close(losses[1.0] - losses[0.0], squares)
    torch.testing.assert_close(losses[2.0] - losses[0.0], 2 * squares)
    affinities = AffinitiesLoss(3).compute(PREDICTION[:, :3], TARGET[:, :3], weight[:, :3])
    torch.testing.assert_close(losses[0.0], affinities)
    prediction = PREDICTION.clone().requires_grad_()
    AffinitiesLoss(3).compute(prediction, TARGET, weight).backward()
    assert prediction.grad[:, 3].any()


def test_hot_distances_are_a_cross_entropy_and_a_squared_error():
    expected = torch.nn.functional.binary_cross_entropy_with_logits(PREDICTION[:, :2], TARGET[:, :2])
    expected = expected + ((PREDICTION[:, 2:] - TARGET[:, 2:]) ** 2).mean()
    torch.testing.assert_close(HotDistanceLoss().compute(PREDICTION, TARGET, torch.ones_like(TARGET)), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_samples_never_get_the_weights_of_others(loss):
    with pytest.raises(ValueError, match="shape"):
        loss.compute(PREDICTION, TARGET, torch.ones(2, 4, 4))
