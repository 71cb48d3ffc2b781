import subprocess
import sys
from enum import Enum
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from dalsegno.config import Config, config, field, positive
from dalsegno.errors import ConfigError, Problem
from dalsegno.store.converter import make_converter, structure, unstructure
from dalsegno.store.document import parse_document
from dalsegno.units import Length


class Padding(Enum):
    VALID = "valid"
    SAME = "same"


@config
class SignalConfig(Config):
    kind: ClassVar[str] = "array"
    name: str = field(help="name", default="")


@config
class FileSignalConfig(SignalConfig):
    file_name: UPath = field(help="the file of the signal")
    voxel_size: Coordinate | None = field(help="z, y, x in world units", default=None)
    roi: Roi | None = field(help="where", default=None)


@config
class SumSignalConfig(SignalConfig):
    sources: "tuple[SignalConfig, ...]" = field(help="what is added")
    by_name: dict[str, SignalConfig] = field(help="what else", factory=dict)


@config
class ChangeConfig(Config):
    kind: ClassVar[str] = "post_processor"


@config
class NoiseConfig(ChangeConfig):
    gamma_range: tuple[float, float] = field(help="lowest and highest", default=(0.5, 2.0))
    probability: float = field(help="how often", default=1.0, check=positive)

    def problems(self):
        if self.gamma_range[0] > self.gamma_range[1]:
            yield Problem("the lowest is above the highest; swap them", ("gamma_range",))


@config
class WholeConfig(Config):
    kind: ClassVar[str] = "run"
    steps: int = field(help="number of steps")
    rate: float = field(help="rate", default=1e-3, check=positive)
    quick: bool = field(help="quick", default=False)
    title: str = field(help="title", default="")
    distance: Length = field(help="distance", default="40 nm")
    padding: Literal["valid", "same"] = field(help="padding", default="valid")
    mode: Padding = field(help="mode", default=Padding.VALID)
    channels: tuple[str, ...] = field(help="channels", default=())
    noise: NoiseConfig = field(help="noise", factory=NoiseConfig)
    signal: SignalConfig | None = field(help="signal", default=None)
    dtype: np.dtype[Any] = field(help="type of a voxel", default=np.dtype("uint8"))
    _hidden: int = field(help="stored with its underscore", default=1)


@frozen
class Setting:
    id: int
    threshold: float = 0.5


def problems_of(data, cls=WholeConfig, document=None):
    with pytest.raises(ConfigError) as caught:
        structure(data, cls, document)
    return [str(problem) for problem in caught.value.problems]


SIGNAL = {"type": "FileSignal", "file_name": "a.zarr", "voxel_size": [50, 4, 4], "roi": [[0, 0, 0], [100, 8, 8]]}


def test_a_config_comes_back_equal():
    original = WholeConfig(
        steps=3,
        rate=0.5,
        channels=["a", "b"],
        hidden=7,
        mode=Padding.SAME,
        distance=12,
        dtype=np.dtype("float32"),
        signal=SumSignalConfig(
            sources=(FileSignalConfig(file_name="x", voxel_size=(2, 2, 2), roi=Roi((0, 1, 2), (3, 4, 5))),),
            by_name={"c": FileSignalConfig(file_name="s3/y", voxel_size=(1, 1, 1))},
        ),
    )
    plain = unstructure(original)
    assert structure(plain, WholeConfig) == original
    assert plain["_hidden"] == 7
    assert plain["signal"]["sources"][0]["__type__"] == "FileSignalConfig"
    assert plain["signal"]["sources"][0]["roi"] == [[0, 1, 2], [3, 4, 5]]
    assert plain["mode"] == "same"
    assert only_plain(plain)


def only_plain(value):
    if isinstance(value, dict):
        return all(type(key) is str and only_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(only_plain, value))
    return type(value) in (str, int, float, bool, type(None))


@given(st.builds(NoiseConfig, gamma_range=st.tuples(st.floats(-9, 0), st.floats(0, 9)), probability=st.floats(0.1, 1)))
def test_unstructure_and_structure_are_inverse(noise):
    assert structure(unstructure(noise), NoiseConfig) == noise


@pytest.mark.parametrize("tag", ["type", "__type__"])
@pytest.mark.parametrize("name", ["FileSignal", "FileSignalConfig"])
def test_a_type_is_named_with_or_without_config(tag, name):
    assert isinstance(structure({tag: name, "file_name": "a"}, SignalConfig), FileSignalConfig)


def test_the_type_is_needed_where_several_are_possible_and_optional_where_one_is():
    assert "type missing: say which SignalConfig this is; known: " in problems_of({"file_name": "a"}, SignalConfig)[0]
    assert structure({"steps": 1}, WholeConfig).steps == 1
    assert structure({"type": "Whole", "steps": 1}, WholeConfig).steps == 1
    assert structure({"file_name": "a"}, FileSignalConfig).file_name == UPath("a")


def test_a_type_of_another_kind_or_the_base_is_refused():
    assert "unknown type 'Noise'" in problems_of({"type": "Noise", "steps": 1})[0]
    assert "unknown array type 'NoiseConfig'" in problems_of({"type": "NoiseConfig"}, SignalConfig)[0]
    assert "derive from" in problems_of({"type": "Signal"}, SignalConfig)[0]
    assert "expected the name of a type" in problems_of({"type": 3}, SignalConfig)[0]


def test_a_stored_name_is_never_evaluated(tmp_path):
    marker = tmp_path / "marker"
    tag = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    assert "unknown array type" in problems_of({"__type__": tag}, SignalConfig)[0]
    assert not marker.exists()


@pytest.mark.parametrize(
    ("field_name", "value", "message"),
    [
        ("steps", "3", "expected a whole number, got the text '3'"),
        ("steps", 3.0, "expected a whole number, got the number 3.0"),
        ("steps", True, "expected a whole number, got true"),
        ("rate", "0.1", "expected a number, got the text '0.1'"),
        ("rate", False, "expected a number, got false"),
        ("rate", -1, "must be above 0 and finite, got -1"),
        ("quick", 1, "expected true or false, got the number 1"),
        ("quick", "no", "expected true or false, got the text 'no'"),
        ("title", 5, "expected a text, got the number 5"),
        ("title", None, "expected a text, got nothing"),
        ("channels", "abc", "expected a list, got the text 'abc'"),
        ("channels", {"a": 1}, "expected a list, got the mapping {'a': 1}"),
        ("distance", True, "expected a number or a text, got true"),
        ("padding", "vald", "must be one of valid, same, got 'vald'; did you mean 'valid'?"),
        ("mode", "sme", "must be one of valid, same, got 'sme'; did you mean 'same'?"),
        ("noise", 3, "expected a mapping with the fields of NoiseConfig, got the number 3"),
        ("signal", [1], "expected a mapping with the fields of SignalConfig, got the list [1]"),
        ("dtype", "uint9", "'uint9' is no data type"),
    ],
)
def test_nothing_is_converted_that_was_not_meant(field_name, value, message):
    problems = problems_of({"steps": 1} | {field_name: value})
    assert len(problems) == 1
    assert problems[0].startswith(f"{field_name}: {message}")


def test_every_problem_is_found_at_once():
    data = {
        "steps": "many",
        "rtae": 1,
        "noise": {"gama_range": [1, 2], "probability": -1},
        "channels": ["a", 2],
        "signal": {
            "type": "SumSignal",
            "sources": [SIGNAL, {"type": "FileSignal"}],
            "by_name": {"x": SIGNAL | {"roi": [[0.5], [1]]}},
        },
    }
    problems = problems_of(data)
    assert [problem.partition(": ")[0] for problem in problems] == [
        "rtae",
        "steps",
        "channels[1]",
        "noise.gama_range",
        "noise.probability",
        "signal.sources[1].file_name",
        "signal.by_name.x.roi.offset",
    ]
    assert problems[0].endswith("unknown field; did you mean 'rate'?")
    assert problems[3].endswith("did you mean 'gamma_range'?")
    assert problems[5].endswith("required field missing: the file of the signal")


def test_what_does_not_fit_together_is_found_below_its_path():
    assert problems_of({"steps": 1, "noise": {"gamma_range": [2, 1]}}) == [
        "noise.gamma_range: the lowest is above the highest; swap them"
    ]


def test_problems_name_file_and_line():
    document = parse_document(
        "steps: 1\nnoise:\n  probability: -1\nchannels:\n  - a\n  - 2\nsignal:\n  type: FileSignal\n", "run.yaml"
    )
    problems = problems_of(document.data, document=document)
    assert [problem.split(": ")[0] for problem in problems] == ["run.yaml:6", "run.yaml:3", "run.yaml:7"]


def test_tuples_of_a_fixed_length_have_it():
    assert problems_of({"gamma_range": [1, 2, 3]}, NoiseConfig) == [
        "gamma_range: expected a list of 2, got the list [1, 2, 3]"
    ]


def test_coordinates_are_lists_of_whole_numbers():
    assert "4.6 is not a whole number" in problems_of(SIGNAL | {"voxel_size": [50, 4.6, 4.6]}, SignalConfig)[0]
    assert "expected a list of whole numbers" in problems_of(SIGNAL | {"voxel_size": 4}, SignalConfig)[0]
    assert "expected a list of whole numbers" in problems_of(SIGNAL | {"voxel_size": "444"}, SignalConfig)[0]


def test_a_roi_is_a_pair_or_names_its_parts():
    roi = Roi((0, 0, 0), (100, 8, 8))
    assert structure(SIGNAL, SignalConfig).roi == roi
    named = SIGNAL | {"roi": {"offset": [0, 0, 0], "shape": [100, 8, 8]}}
    assert structure(named, SignalConfig).roi == roi
    assert "differ in length" in problems_of(SIGNAL | {"roi": [[0], [1, 2]]}, SignalConfig)[0]
    assert "expected an offset and a shape" in problems_of(SIGNAL | {"roi": [[0]]}, SignalConfig)[0]


def test_lengths_are_numbers_or_texts():
    assert structure({"steps": 1, "distance": 40}, WholeConfig).distance == 40
    assert structure({"steps": 1, "distance": "0.5 um"}, WholeConfig).distance == "0.5 um"


def test_a_field_with_an_underscore_is_read_under_both_names():
    assert structure({"steps": 1, "_hidden": 4}, WholeConfig) == structure({"steps": 1, "hidden": 4}, WholeConfig)
    assert "given twice" in problems_of({"steps": 1, "_hidden": 4, "hidden": 4})[0]


def test_other_attrs_classes_have_no_type():
    assert unstructure(Setting(3)) == {"id": 3, "threshold": 0.5}
    assert structure({"id": 3}, Setting) == Setting(3)
    assert problems_of({"threshold": 1}, Setting) == ["id: required field missing: Setting needs it"]


def test_numpy_values_become_plain():
    assert unstructure({"a": np.float32(0.5), "b": (np.int64(2), np.bool_(True))}) == {"a": 0.5, "b": [2, True]}
    assert only_plain(unstructure([np.float64(1), np.uint8(2)]))


def test_a_converter_takes_further_hooks():
    converter = make_converter()
    converter.register_structure_hook(complex, lambda value, _: complex(value))
    assert converter.structure("1j", complex) == 1j
    assert converter.structure({"steps": 2}, WholeConfig).steps == 2


def test_the_converter_loads_no_heavy_library():
    code = (
        "import sys, dalsegno.store.converter; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'zarr', 'numpy', 'pymongo', 'gunpowder')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
