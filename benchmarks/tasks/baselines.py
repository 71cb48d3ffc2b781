"""Score what needs no training on the validation data of an experiment: ``python baselines.py EXPERIMENT.yaml``.

Binary tasks: raw cut at Otsu's threshold. Instances: a watershed of raw from its minima. Each is smoothed by several
widths, bright and dark foreground are tried, and the evaluator of the experiment judges all of them; the best is shown.
"""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import h_minima
from skimage.segmentation import watershed

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.engine.validate import annotated_region
from dalsegno.experiments.run import RunConfig
from dalsegno.experiments.tasks.evaluators.instance_evaluator import InstanceEvaluator
from dalsegno.store.converter import structure
from dalsegno.store.document import read_document
from dalsegno.view.tables import rows_table

SIGMAS = (0, 1, 2, 3, 4, 6)
DEPTHS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


def otsu(raw: NDArray[np.float32]) -> Iterator[tuple[dict[str, Any], NDArray[Any]]]:
    for sigma in SIGMAS:
        smooth = _smooth(raw, sigma)
        bright = smooth > threshold_otsu(smooth)
        yield {"baseline": "Otsu", "sigma": sigma, "foreground": "bright"}, bright[None]
        yield {"baseline": "Otsu", "sigma": sigma, "foreground": "dark"}, ~bright[None]


def watersheds(raw: NDArray[np.float32]) -> Iterator[tuple[dict[str, Any], NDArray[Any]]]:
    """Yield a watershed of every section; membranes are dark, so basins are those of the inverted image."""
    for sigma in SIGMAS[1:]:
        relief = _smooth(raw.max() - raw, sigma) / np.ptp(raw)
        for depth in DEPTHS:
            labels, count = np.zeros(raw.shape, np.uint32), 0
            for section, heights in zip(labels, relief, strict=True):
                markers, found = ndimage.label(h_minima(heights, depth))
                section[...] = watershed(heights, markers) + count
                count += found
            yield {"baseline": "watershed", "sigma": sigma, "depth": depth}, labels


def _smooth(raw: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Smooth within sections."""
    return ndimage.gaussian_filter(raw, [0, sigma, sigma])


def scored(config: RunConfig) -> Iterator[dict[str, Any]]:
    """Yield the scores of every baseline on every validation dataset, one channel of ground truth each."""
    evaluator = config.task_config.task_type(config.task_config).evaluator
    instances = isinstance(evaluator, InstanceEvaluator)
    for dataset_config in config.datasplit_config.validate_configs:
        dataset = dataset_config.dataset_type(dataset_config)
        region, gt = annotated_region(dataset), dataset.gt
        truth = NumpyArray.from_np_array(gt[region], region, gt.voxel_size, gt.axes, units=gt.units)
        raw = dataset.raw[region]
        mask = None if dataset.mask is None else dataset.mask.to_ndarray(region, fill_value=0) > 0
        for settings, output in watersheds(raw) if instances else otsu(raw):
            (scores,) = evaluator.sweep([output], truth, mask)
            yield {"dataset": dataset.name, **settings, **scores.as_dict()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--criterion", help="what is best; the first of the task if not given")
    parser.add_argument("--json", action="store_true", help="print the scores of every baseline as JSON")
    arguments = parser.parse_args()
    document = read_document(arguments.experiment, ())
    config = structure(document.data, RunConfig, document)
    found = list(scored(config))
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    evaluator = config.task_config.task_type(config.task_config).evaluator
    wanted = arguments.criterion or evaluator.primary
    criterion = next((name for name in evaluator.score.criteria if wanted in (name, name.rpartition("__")[2])), None)
    defined = [row for row in found if criterion is not None and not math.isnan(row[criterion])]
    if criterion is None or not defined:
        parser.error(f"no baseline has a {wanted}; there are {', '.join(evaluator.score.criteria)}")
    sign = -1 if evaluator.higher_is_better(criterion) else 1
    best = min(defined, key=lambda row: sign * row[criterion])
    rows = [{"": name, "value": value} for name, value in best.items()]
    Console().print(rows_table(rows, title=f"best by {criterion} of {len(found)}"))


if __name__ == "__main__":
    main()
