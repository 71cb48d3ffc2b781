"""The tasks and the snippet of the page on tasks are valid."""

import re

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from dalsegno.components import component_names
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluation_scores import (
    BinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.evaluators.instance_evaluation_scores import InstanceEvaluationScores
from dalsegno.experiments.tasks.task import TaskConfig
from dalsegno.store.converter import structure
from dalsegno.store.document import parse_document


def structure_task(example):
    structure(parse_document(example.parsed, "tasks.md").data, TaskConfig)


def test_the_tasks_and_the_snippet_of_the_page_are_valid(root):
    page = Sybil([PythonCodeBlockParser(), CodeBlockParser("yaml", structure_task)]).parse(root / "docs/tasks.md")
    examples = list(page.examples())
    for example in examples:
        example.evaluate()
    assert len(examples) == 5


def test_every_task_and_criterion_is_on_the_page(root):
    text = (root / "docs/tasks.md").read_text()
    for name in component_names("task"):
        assert f"`{name}`" in text or f"type: {name}" in text or name == "DummyTask", name
    told = set(re.findall(r"`([a-z0-9_…]+)`", text))
    endings = [name.removeprefix("…") for name in told if name.startswith("…")]
    for scores in (BinarySegmentationEvaluationScores(), InstanceEvaluationScores()):
        for criterion in scores.criteria:
            assert criterion in told or any(criterion.endswith(ending) for ending in endings), criterion
