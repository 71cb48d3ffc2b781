import pytest
import torch

from dalsegno.experiments.tasks.losses.cross_entropy_loss import CrossEntropyLoss
from dalsegno.experiments.tasks.losses.mse_loss import MSELoss

torch.manual_seed(0)
PREDICTION = torch.randn(2, 3, 4, 4)
CLASSES = torch.randint(0, 3, (2, 4, 4))
TARGET = torch.nn.functional.one_hot(CLASSES, 3).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("loss", [MSELoss(), CrossEntropyLoss(), CrossEntropyLoss(1.0)])
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
    half, full = (CrossEntropyLoss(share).compute(PREDICTION, TARGET, weight) for share in (0.5, 1.0))
    assert plain < half < full
    torch.testing.assert_close(full - half, half - plain)


@pytest.mark.parametrize("loss", [MSELoss(), CrossEntropyLoss()])
def test_samples_never_get_the_weights_of_others(loss):
    with pytest.raises(ValueError, match="shape"):
        loss.compute(PREDICTION[:, :1], TARGET[:, :1], torch.ones(2, 4, 4))
