"""Losses between predictions and targets, weighted voxel by voxel.

Tensors are ``(batch, channel, ...)``. A weight has the shape of the target, or one channel that counts for
all of them; 0 leaves a voxel out. A loss over nothing is 0, and so is its gradient. All are computed in
float32, under autocast too, where sums over many voxels would overflow half precision.
"""

import torch
from torch import Tensor

__all__ = ["soft_tversky", "weighted_binary_cross_entropy", "weighted_cross_entropy", "weighted_mse"]

SMALLEST = 1e-12


def weighted_mse(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    r"""Return the weighted mean of the squared error, :math:`\sum w (p - t)^2 / \sum w`.

    Parameters
    ----------
    prediction, target
        ``(batch, channel, ...)``, of the same shape.
    weight
        Of the same shape, or with a single channel.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    p, t, w = _alike(prediction, target, weight)
    with torch.autocast(p.device.type, enabled=False):
        return _ratio((w * (p - t) ** 2).sum(), w.sum())


def weighted_binary_cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    r"""Return the weighted mean cross entropy of channels that are each foreground or background.

    That is :math:`-\sum w (t \log p + (1 - t) \log (1 - p)) / \sum w`, where `p` is the sigmoid.

    Parameters
    ----------
    logits
        ``(batch, channel, ...)``, before the sigmoid.
    target
        Of the same shape, 0 to 1.
    weight
        Of the same shape, or with a single channel.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    x, t, w = _alike(logits, target, weight)
    with torch.autocast(x.device.type, enabled=False):
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
        return _ratio((w * entropy).sum(), w.sum())


def weighted_cross_entropy(logits: Tensor, target_onehot: Tensor, weight: Tensor) -> Tensor:
    r"""Return the weighted mean cross entropy, :math:`-\sum w t \log p / \sum w t`, where `p` is the softmax.

    Parameters
    ----------
    logits
        ``(batch, class, ...)``, before the softmax over the classes.
    target_onehot
        Of the same shape: 1 for the class of the voxel, 0 for all others.
    weight
        Of the same shape, or with a single channel.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    x, t, w = _alike(logits, target_onehot, weight)
    with torch.autocast(x.device.type, enabled=False):
        return _ratio(-(w * t * torch.log_softmax(x, dim=1)).sum(), (w * t).sum())


def soft_tversky(probabilities: Tensor, target: Tensor, weight: Tensor, beta: float = 0.5) -> Tensor:
    r"""Return the mean over the channels of one minus the Tversky index [1]_, which is Dice's where `beta` is 0.5.

    The index is :math:`TP / (TP + (1 - \beta) FP + \beta FN)` with :math:`TP = \sum w p t`,
    :math:`FP = \sum w p (1 - t)` and :math:`FN = \sum w (1 - p) t`. Each channel is summed over the whole batch,
    so that a sample without foreground does no harm. In a batch that has none of a channel the index would be 0
    however little is predicted; there the loss is the share of false foreground, :math:`\sum w p / \sum w`, which
    goes to 0 with the prediction.

    Parameters
    ----------
    probabilities, target
        ``(batch, channel, ...)`` of the same shape, 0 to 1.
    weight
        Of the same shape, or with a single channel.
    beta
        From 0 to 1: how much missed foreground counts against false foreground.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    .. [1] Salehi et al., "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks",
       MLMI 2017.
    """
    p, t, w = _alike(probabilities, target, weight)
    with torch.autocast(p.device.type, enabled=False):
        but_channel = [axis for axis in range(p.ndim) if axis != 1]
        errors = (w * ((1 - beta) * p * (1 - t) + beta * (1 - p) * t)).sum(but_channel)
        overlap = _ratio(errors, errors + (w * p * t).sum(but_channel))
        false_share = _ratio((w * p).sum(but_channel), w.sum(but_channel))
        return torch.where((w * t).sum(but_channel) > 0, overlap, false_share).mean()


def _alike(prediction: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    one_channel = (*prediction.shape[:1], 1, *prediction.shape[2:])
    if target.shape != prediction.shape or weight.shape not in (prediction.shape, one_channel):
        raise ValueError(
            f"the target {tuple(target.shape)} and the weight {tuple(weight.shape)} must have the shape of the "
            f"prediction {tuple(prediction.shape)}, the weight with one channel or as many; broadcast over the batch, "
            "samples would get each other's weights"
        )
    return prediction.float(), target.float(), weight.float().expand_as(prediction)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    return numerator / denominator.clamp_min(SMALLEST)
