import numpy as np
import pytest
import torch

from dalsegno.nets.losses import soft_tversky, weighted_binary_cross_entropy, weighted_cross_entropy, weighted_mse

LOSSES = [weighted_mse, weighted_cross_entropy, weighted_binary_cross_entropy, soft_tversky]
SHAPE = (2, 3, 4, 5)


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(3)
    prediction = torch.rand(SHAPE, generator=generator)
    target = torch.nn.functional.one_hot(torch.randint(3, (2, 4, 5), generator=generator), 3).movedim(-1, 1)
    return prediction, target.float(), torch.rand(SHAPE, generator=generator)


def test_squared_error_by_hand(tensors):
    p, t, w = (x.numpy() for x in tensors)
    total = sum(w[i] * (p[i] - t[i]) ** 2 for i in np.ndindex(SHAPE))
    assert weighted_mse(*tensors).item() == pytest.approx(total / w.sum(), rel=1e-5)


def test_binary_cross_entropy_by_hand(tensors):
    x, t, w = (x.numpy().astype(np.float64) for x in tensors)
    p = 1 / (1 + np.exp(-x))
    expected = -(w * (t * np.log(p) + (1 - t) * np.log(1 - p))).sum() / w.sum()
    assert weighted_binary_cross_entropy(*tensors).item() == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_by_hand(tensors):
    p, t, w = (x.numpy() for x in tensors)
    total = weights = 0.0
    for batch, y, x in np.ndindex(2, 4, 5):
        label = int(t[batch, :, y, x].argmax())
        logits = p[batch, :, y, x]
        total -= w[batch, label, y, x] * np.log(np.exp(logits[label]) / np.exp(logits).sum())
        weights += w[batch, label, y, x]
    assert weighted_cross_entropy(*tensors).item() == pytest.approx(total / weights, rel=1e-5)


def test_dice_by_hand(tensors):
    p, t, w = (x.numpy() for x in tensors)
    dice = [2 * (w * p * t)[:, c].sum() / (w * (p + t))[:, c].sum() for c in range(3)]
    assert soft_tversky(*tensors).item() == pytest.approx(1 - np.mean(dice), rel=1e-5)


def test_beta_weighs_what_is_missed_against_what_is_false(tensors):
    _, target, _ = tensors
    everywhere = torch.ones_like(target)
    missed, false = 0.5 * target, 0.5 * target + 0.5
    assert soft_tversky(missed, target, everywhere, 0.9) > soft_tversky(missed, target, everywhere, 0.1)
    assert soft_tversky(false, target, everywhere, 0.9) < soft_tversky(false, target, everywhere, 0.1)
    # half of all foreground is missed, none is false
    assert soft_tversky(missed, target, everywhere, 0.9).item() == pytest.approx(1 - 0.5 / (0.5 + 0.9 * 0.5))


@pytest.mark.parametrize("beta", [0.5, 0.9])
def test_where_nothing_is_to_be_found_false_foreground_loses_its_share(tensors, beta):
    prediction, target, weight = tensors
    absent = target.clone()
    absent[:, 1] = 0
    for share in (0.5, 1e-3, 1e-6):
        found = prediction.clone()
        found[:, 1] = share
        found.requires_grad_()
        loss = soft_tversky(found, absent, weight, beta)
        others = soft_tversky(found[:, ::2], absent[:, ::2], weight[:, ::2], beta)
        assert 3 * loss.item() == pytest.approx(2 * others.item() + share, rel=1e-5)
        loss.backward()
        torch.testing.assert_close(found.grad[:, 1], weight[:, 1] / weight[:, 1].sum() / 3)


def test_perfect_predictions_lose_nothing(tensors):
    _, target, weight = tensors
    assert weighted_mse(target, target, weight) == 0
    assert weighted_cross_entropy(100 * target, target, weight).item() == pytest.approx(0, abs=1e-6)
    assert weighted_binary_cross_entropy(100 * (2 * target - 1), target, weight).item() == pytest.approx(0, abs=1e-6)
    assert soft_tversky(target, target, weight) == 0
    assert soft_tversky(0 * target, 0 * target, weight) == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_a_weight_of_one_channel_counts_for_all(loss, tensors):
    prediction, target, weight = tensors
    one = weight[:, :1]
    torch.testing.assert_close(loss(prediction, target, one), loss(prediction, target, one.expand(SHAPE)))


@pytest.mark.parametrize("loss", LOSSES)
def test_what_weighs_nothing_does_not_count(loss, tensors):
    prediction, target, weight = tensors
    weight = weight[:, :1].clone()
    weight[:, :, 2:] = 0
    part = loss(prediction[:, :, :2], target[:, :, :2], weight[:, :, :2])
    prediction.requires_grad_()
    whole = loss(prediction, target, weight)
    whole.backward()
    torch.testing.assert_close(whole.detach(), part)
    assert prediction.grad[:, :, 2:].abs().max() == 0
    assert prediction.grad[:, :, :2].abs().max() > 0


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_over_nothing_is_0_and_so_is_its_gradient(loss, tensors):
    prediction, target, weight = tensors
    prediction.requires_grad_()
    value = loss(prediction, target, 0 * weight)
    value.backward()
    assert value == 0
    assert not prediction.grad.any()


@pytest.mark.parametrize("loss", LOSSES)
def test_shapes_that_would_broadcast_are_refused(loss, tensors):
    prediction, target, weight = tensors
    for wrong in (weight[:1], weight[:, :2], weight[:, 0], weight[..., :1]):
        with pytest.raises(ValueError, match="each other's weights"):
            loss(prediction, target, wrong)
    with pytest.raises(ValueError, match="each other's weights"):
        loss(prediction, target[:1], weight)


@pytest.mark.parametrize("loss", LOSSES)
def test_half_precision_sums_in_float32(loss, tensors):
    prediction, target, weight = (x.repeat(1, 1, 100, 100) for x in tensors)
    expected = loss(prediction.bfloat16().float(), target, weight)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(prediction.bfloat16(), target.bool(), weight)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
