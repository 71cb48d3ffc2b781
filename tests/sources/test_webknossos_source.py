import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dalsegno.errors import DataError
from dalsegno.sources import SourceSpec, WebKnossosSource, as_source, from_spec, open_source, open_webknossos

DATASET = Path(__file__).parent / "data/webknossos"
PARAMETERS = {"dataset_name_or_url", "organization_id", "layer_name", "mag", "offset", "size"}


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd="/", check=False
    )


@pytest.mark.parametrize(("layer", "mag"), [("color", 1), ("color", 2), ("segmentation", 1), ("segmentation", "2-2-1")])
def test_reads_a_layer_of_a_folder(layer, mag):
    source = open_webknossos(str(DATASET), layer_name=layer, mag=mag)
    same = open_source(DATASET, f"{layer}/{mag}")
    assert isinstance(source, WebKnossosSource)
    assert (source.shape, source.dtype, source.chunks, source.shards) == (same.shape, same.dtype, (16, 16, 16), None)
    np.testing.assert_array_equal(source[:], same[:])
    np.testing.assert_array_equal(source[-1, 2:5], same[-1, 2:5])
    assert (source.layer.layer, source[3:3].shape) == (layer, (0, *source.shape[1:]))


@pytest.mark.parametrize("mag", [1, 2])
def test_offset_and_size_are_voxels_of_mag_1(mag):
    offset, size = (8, 10, 12), (20, 12, 8)
    source = open_webknossos(str(DATASET), layer_name="color", mag=mag, offset=offset, size=size)
    x, y, z = (np.arange(start, start + extent, mag) for start, extent in zip(offset, size, strict=True))
    z, y, x = np.ix_(z, y, x)
    assert source.shape == (8 // mag, 12 // mag, 20 // mag)
    np.testing.assert_array_equal(source[:], (x + 3 * y + 7 * z) % 251)


def test_boxes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"offset \(9, 10, 12\).* aligned to mag 2; .*multiples"):
        open_webknossos(str(DATASET), layer_name="color", mag=2, offset=(9, 10, 12), size=(4, 4, 4))
    with pytest.raises(ValueError, match="aligned to mag 2-2-1"):
        open_webknossos(str(DATASET), layer_name="segmentation", mag="2-2-1", offset=(8, 10, 11), size=(4, 3, 3))
    with pytest.raises(ValueError, match=r"at \(4, 8, 6\) of size .* not inside .* \(5, 8, 6\) of size \(38, 29, 21\)"):
        open_webknossos(str(DATASET), layer_name="color", offset=(4, 8, 6))
    with pytest.raises(ValueError, match="needs three numbers"):
        open_webknossos(str(DATASET), layer_name="color", offset=(4, 8))


def test_what_is_missing_is_named():
    with pytest.raises(IndexError, match=r"no layer 'colour' in .*; it has color"):
        open_webknossos(str(DATASET), layer_name="colour")
    with pytest.raises(IndexError, match=r"layer 'color' in .* has no mag 4; it has 1, 2"):
        open_webknossos(str(DATASET), layer_name="color", mag=4)
    with pytest.raises(ValueError, match=r"3 channels.*single-channel"):
        open_webknossos(str(DATASET), layer_name="channels")


def test_it_is_read_only():
    source = open_webknossos(str(DATASET), layer_name="color")
    assert not source.writable
    with pytest.raises(TypeError, match="read-only"):
        source[0] = 1


def test_the_spec_reopens_in_a_fresh_process(monkeypatch):
    monkeypatch.chdir(DATASET.parent)
    source = open_webknossos("webknossos", layer_name="segmentation", mag="2-2-1", offset=(8, 10, 7), size=(8, 4, 5))
    spec = source.to_spec()
    assert (spec.kind, spec.path, set(spec.params)) == ("webknossos", None, PARAMETERS)
    assert spec.params["dataset_name_or_url"] == str(DATASET)
    assert (spec.params["mag"], spec.params["offset"], spec.params["size"]) == ("2-2-1", [8, 10, 7], [8, 4, 5])
    assert open_webknossos(str(DATASET), layer_name="color").to_spec().params["mag"] == 1
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec.from_dict(json.loads(sys.argv[1]))); print(s[:].tolist(), s.writable)"
    )
    done = run_python(code, json.dumps(spec.to_dict()))
    assert done.stdout.strip() == f"{source[:].tolist()} False", done.stderr
    for copy in (pickle.loads(pickle.dumps(source)), from_spec(SourceSpec.from_dict(spec.to_dict()))):
        assert copy.to_spec() == spec
    assert as_source(source) is source


def test_a_forked_process_opens_its_files_itself():
    code = f"""
import os
from dalsegno.sources import open_webknossos
source = open_webknossos({str(DATASET)!r}, layer_name="color")
before = source[:]
child = os.fork()
if child == 0:
    os._exit(0 if (source[:] == before).all() and source.layer.layer == "color" else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = run_python(code)
    assert done.stdout.strip() == "0", done.stderr


def test_what_needs_the_client_says_so(tmp_path):
    shutil.copytree(DATASET, tmp_path / "wkw")
    properties = tmp_path / "wkw/datasource-properties.json"
    properties.write_text(properties.read_text().replace('"dataFormat": "zarr3"', '"dataFormat": "wkw"'))
    code = """
import sys
sys.modules["webknossos"] = None
from dalsegno.errors import DataError
from dalsegno.sources import open_webknossos
for name in ("l4_sample", "https://webknossos.org/datasets/a/b", sys.argv[1]):
    try:
        open_webknossos(name, layer_name="color")
    except DataError as error:
        print(error)
"""
    done = run_python(code, tmp_path / "wkw")
    assert done.stdout.count("pip install 'dalsegno[webknossos]'") == 3, done.stderr


def test_tokens_are_not_kept():
    with pytest.raises(ValueError, match="WK_TOKEN") as caught:
        open_webknossos("https://webknossos.org/datasets/a/b/view?token=hidden", layer_name="color")
    assert "hidden" not in str(caught.value)


def test_damage_is_a_data_error(tmp_path):
    folder = Path(shutil.copytree(DATASET, tmp_path / "copy"))
    source = open_webknossos(os.fspath(folder), layer_name="color")
    shutil.rmtree(folder / "segmentation/1")
    with pytest.raises(DataError, match="segmentation"):
        open_webknossos(os.fspath(folder), layer_name="segmentation")
    for shard in (folder / "color/1/c").rglob("0"):
        if shard.is_file():
            shard.write_bytes(shard.read_bytes()[:50])
    with pytest.raises(DataError, match=r"copy/color/1.*complete"):
        source[:]
    (folder / "datasource-properties.json").unlink()
    with pytest.raises(DataError, match=r"datasource-properties\.json"):
        open_webknossos(os.fspath(folder), layer_name="color")
