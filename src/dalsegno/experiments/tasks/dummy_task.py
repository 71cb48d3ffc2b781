"""A task for trials."""

from typing import ClassVar

from dalsegno.config import config, field, positive
from dalsegno.experiments.tasks.evaluators.dummy_evaluator import DummyEvaluator
from dalsegno.experiments.tasks.losses.dummy_loss import DummyLoss
from dalsegno.experiments.tasks.post_processors.dummy_post_processor import DummyPostProcessor
from dalsegno.experiments.tasks.predictors.dummy_predictor import DummyPredictor
from dalsegno.experiments.tasks.task import Task, TaskConfig

__all__ = ["DummyTask", "DummyTaskConfig"]


@config
class DummyTaskConfig(TaskConfig):
    """Learn nothing: for trying out everything around a task."""

    task_type: ClassVar[type[Task]]

    embedding_dims: int = field(help="Channels of the prediction.", check=positive)
    detection_threshold: float = field(help="Above it, something is detected.")

    def verify(self) -> tuple[bool, str]:
        """Return that this is no valid task."""
        return False, "a DummyTask learns nothing; choose another task"


class DummyTask(Task):
    """A dummy of each part."""

    def __init__(self, task_config: DummyTaskConfig) -> None:
        self.predictor = DummyPredictor(task_config.embedding_dims)
        self.loss = DummyLoss()
        self.post_processor = DummyPostProcessor(task_config.detection_threshold)
        self.evaluator = DummyEvaluator()


DummyTaskConfig.task_type = DummyTask
