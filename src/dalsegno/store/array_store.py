"""Where the arrays of a run are kept: names of zarr containers and of the arrays in them."""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import quote

from attrs import frozen
from upath import UPath

from dalsegno.errors import StoreError
from dalsegno.store.atomic import store_errors
from dalsegno.store.names import check_name

__all__ = ["ArrayStore", "FileArrayStore", "LocalArrayIdentifier", "LocalContainerIdentifier"]


@frozen
class LocalArrayIdentifier:
    """Names an array.

    Attributes
    ----------
    container
        Path of the zarr container.
    dataset
        Path of the array within it.
    """

    container: UPath
    dataset: str

    def __str__(self) -> str:
        return f"{self.container}/{self.dataset}"


@frozen
class LocalContainerIdentifier:
    """Names a container of arrays.

    Attributes
    ----------
    container
        Path of the zarr container.
    """

    container: UPath

    def array_identifier(self, dataset: str) -> LocalArrayIdentifier:
        """Return the identifier of an array in the container.

        Raises
        ------
        TypeError
            If the dataset is not a text.
        """
        if not isinstance(dataset, str):
            raise TypeError(f"a dataset is named by a text, not by {dataset!r}")
        return LocalArrayIdentifier(self.container, dataset)

    def __str__(self) -> str:
        return str(self.container)


class ArrayStore(ABC):
    """Says where the arrays of a run belong; whoever has an identifier creates and writes the array."""

    @abstractmethod
    def validation_prediction_array(self, run_name: str, iteration: int, dataset: str) -> LocalArrayIdentifier:
        """Return where the prediction of a validation dataset belongs."""

    @abstractmethod
    def validation_output_array(
        self, run_name: str, iteration: int, parameters: str, dataset: str
    ) -> LocalArrayIdentifier:
        """Return where the output of post-processing with the parameters belongs."""

    @abstractmethod
    def validation_input_arrays(
        self, run_name: str, index: str | None = None
    ) -> tuple[LocalArrayIdentifier, LocalArrayIdentifier]:
        """Return where raw and ground truth of a validation dataset belong."""

    @abstractmethod
    def remove(self, array_identifier: LocalArrayIdentifier) -> None:
        """Remove an array, if there is one.

        Raises
        ------
        StoreError
            If it does not belong to this store, or can't be removed.
        """

    @abstractmethod
    def snapshot_container(self, run_name: str) -> LocalContainerIdentifier:
        """Return the container of the batches that were kept in training."""

    @abstractmethod
    def validation_container(self, run_name: str) -> LocalContainerIdentifier:
        """Return the container of everything that validation writes."""


class FileArrayStore(ArrayStore):
    """Keeps the arrays of a run in ``<root>/runs/<run>/validation.zarr`` and ``snapshot.zarr``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def validation_prediction_array(self, run_name: str, iteration: int, dataset: str) -> LocalArrayIdentifier:
        """Return ``<iteration>/<dataset>/prediction`` in the validation container."""
        name = f"{int(iteration)}/{check_name(dataset, 'dataset')}/prediction"
        return self.validation_container(run_name).array_identifier(name)

    def validation_output_array(
        self, run_name: str, iteration: int, parameters: str, dataset: str
    ) -> LocalArrayIdentifier:
        """Return ``<iteration>/<dataset>/output/<parameters>``; what no path may have is written as ``%xx``."""
        name = f"{int(iteration)}/{check_name(dataset, 'dataset')}/output/{_path_part(parameters)}"
        return self.validation_container(run_name).array_identifier(name)

    def validation_input_arrays(
        self, run_name: str, index: str | None = None
    ) -> tuple[LocalArrayIdentifier, LocalArrayIdentifier]:
        """Return ``inputs/<index>/raw`` and ``inputs/<index>/gt`` in the validation container."""
        folder = "inputs" if index is None else f"inputs/{check_name(index, 'dataset')}"
        container = self.validation_container(run_name)
        return container.array_identifier(f"{folder}/raw"), container.array_identifier(f"{folder}/gt")

    def remove(self, array_identifier: LocalArrayIdentifier) -> None:
        """Remove the folder of the array."""
        runs = (self.root / "runs").resolve()
        path = Path(str(array_identifier)).resolve()
        if not array_identifier.dataset.strip("/.") or runs not in path.parents:
            raise StoreError(f"{array_identifier} is no array below {runs}, so this store does not remove it")
        if path.exists():
            with store_errors(path):
                shutil.rmtree(path)

    def snapshot_container(self, run_name: str) -> LocalContainerIdentifier:
        """Return ``snapshot.zarr`` in the folder of the run."""
        return self._container(run_name, "snapshot.zarr")

    def validation_container(self, run_name: str) -> LocalContainerIdentifier:
        """Return ``validation.zarr`` in the folder of the run."""
        return self._container(run_name, "validation.zarr")

    def _container(self, run_name: str, file_name: str) -> LocalContainerIdentifier:
        return LocalContainerIdentifier(UPath(self.root / "runs" / check_name(run_name, "run") / file_name))


def _path_part(text: str) -> str:
    quoted = quote(text, safe="=,+ ()")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
