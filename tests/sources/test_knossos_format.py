import json
import subprocess
import sys
from dataclasses import asdict
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source

CUBE = 128
CONF = """experiment name "e1088";
scale x 11.24;
scale y 11.24;
scale z 28;
boundary x 200;
boundary y 128;
boundary z 130;
magnification 1;
"""


def formula(shape):
    z, y, x = np.ogrid[tuple(map(slice, shape))]
    return ((3 * z + 5 * y + 7 * x) % 251).astype(np.uint8)


def write_cubes(folder, voxels, suffix, mag=1, skip=()):
    for place in np.ndindex(*(size // CUBE for size in voxels.shape)):
        z, y, x = place
        home = folder / f"mag{mag}" / f"x{x:04}" / f"y{y:04}" / f"z{z:04}"
        home.mkdir(parents=True)
        if place in skip:
            continue
        file = home / f"e1088_mag{mag}_x{x:04}_y{y:04}_z{z:04}{suffix}"
        cube = voxels[tuple(slice(at * CUBE, (at + 1) * CUBE) for at in place)]
        if suffix == ".raw":
            file.write_bytes(cube.tobytes())
        else:
            Image.fromarray(cube.reshape(CUBE * CUBE, CUBE)).save(
                file, **({"quality": 100} if suffix == ".jpg" else {})
            )
    return folder


@pytest.fixture(scope="module")
def voxels():
    return formula((256, 128, 256))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, voxels):
    folder = write_cubes(tmp_path_factory.mktemp("e1088"), voxels, ".raw")
    write_cubes(folder, formula((128, 128, 128)), ".png", mag=2)
    return folder


@pytest.mark.parametrize("suffix", [".raw", ".png", ".jpg"])
def test_reads_cubes_of_every_kind(tmp_path, voxels, suffix):
    source = open_source(f"{write_cubes(tmp_path, voxels, suffix)}/")
    assert (source.format, source.internal_path) == ("knossos", "mag1")
    assert (source.shape, source.dtype, source.chunks, source.shards) == (voxels.shape, np.uint8, (128,) * 3, None)
    assert not source.writable
    difference = np.abs(source[100:150, 5, 120:140].astype(int) - voxels[100:150, 5, 120:140])
    assert difference.max() <= (3 if suffix == ".jpg" else 0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_box_is_that_of_the_whole(dataset, voxels, data):
    bounds = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in voxels.shape]
    box = tuple(slice(*pair) for pair in bounds)
    np.testing.assert_array_equal(open_source(dataset)[box], voxels[box])


def test_the_magnification_is_the_internal_path(dataset):
    np.testing.assert_array_equal(open_source(dataset, "mag2")[:], formula((128, 128, 128)))
    with pytest.raises(KeyError, match=r"no magnification 'mag4' in .* mag1, mag2"):
        open_source(dataset, "mag4")


def test_the_conf_tells_voxel_size_and_boundary(tmp_path, voxels):
    folder = write_cubes(tmp_path / "renamed", voxels, ".raw")
    write_cubes(folder, formula((128, 128, 128)), ".raw", mag=2)
    assert open_source(folder).metadata == Geometry(axes=("z", "y", "x"))
    (folder / "knossos.conf").write_text(CONF)
    fine, coarse = open_source(folder), open_source(folder, "mag2")
    size = (Decimal(28), Decimal("11.24"), Decimal("11.24"))
    assert fine.metadata == Geometry(("z", "y", "x"), size, units="nm", convention="knossos.conf")
    assert coarse.metadata.voxel_size == tuple(2 * number for number in size)
    assert (fine.shape, coarse.shape) == ((130, 128, 200), (65, 64, 100))
    np.testing.assert_array_equal(fine[-1, -1], voxels[129, 127, :200])
    # a conf beside the cubes of a coarser magnification speaks of that one
    (folder / "mag2" / "knossos.conf").write_text(CONF.replace("magnification 1", "magnification 2"))
    assert open_source(folder, "mag2").metadata == fine.metadata
    (folder / "knossos.conf").write_text(CONF.replace("28", "thick"))
    with pytest.raises(DataError, match=r"knossos.conf says .*thick"):
        open_source(folder)


def test_missing_cubes_are_an_error_or_zeros(tmp_path, voxels):
    folder = write_cubes(tmp_path, voxels, ".png", skip={(1, 0, 0)})
    source = open_source(folder)
    np.testing.assert_array_equal(source[:128], voxels[:128])
    with pytest.raises(FileNotFoundError, match="fill_missing=True"):
        source[:, 0, 0]
    filled = open_source(folder, fill_missing=True)
    expected = voxels.copy()
    expected[128:, :, :128] = 0
    np.testing.assert_array_equal(filled[:], expected)


def test_folders_of_any_outline(tmp_path, voxels):
    folder = write_cubes(tmp_path, voxels, ".raw")
    far = folder / "mag1" / "x0001" / "y0002" / "z0003"
    far.mkdir(parents=True)
    (far / "e1088_mag1_x0001_y0002_z0003.raw").write_bytes(bytes([9]) * CUBE**3)
    source = open_source(folder, fill_missing=True)
    assert source.shape == (512, 384, 256)
    assert (source[-1, -1, -1], source[0, -1, -1], source[3, 2, 1]) == (9, 0, voxels[3, 2, 1])


def test_a_spec_reopens_in_a_fresh_process(tmp_path, voxels, monkeypatch):
    monkeypatch.chdir(write_cubes(tmp_path / "a", voxels, ".raw", skip={(1, 0, 0)}).parent)
    spec = open_source("a", fill_missing=True).to_spec()
    assert spec.path == str(tmp_path / "a")
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(s.shape, s[1, 2, 3], s[-1, 0, 0], s.writable)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asdict(spec))], capture_output=True, text=True, cwd="/", check=False
    )
    assert done.stdout.strip() == f"{voxels.shape} {voxels[1, 2, 3]} 0 False", done.stderr


@pytest.mark.parametrize("suffix", [".raw", ".png", ".jpg"])
def test_damage_is_a_data_error(tmp_path, suffix):
    folder = write_cubes(tmp_path, formula((CUBE,) * 3), suffix)
    (file,) = folder.rglob(f"*{suffix}")
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"x0000_y0000_z0000.*complete"):
        open_source(folder)[0, 0, 0]


def test_cubes_of_another_size_or_kind_are_an_error(tmp_path):
    folder = write_cubes(tmp_path, formula((CUBE,) * 3), ".png")
    (file,) = folder.rglob("*.png")
    Image.new("RGB", (CUBE * CUBE, CUBE)).save(file)
    with pytest.raises(DataError, match="mode RGB"):
        open_source(folder)[0, 0, 0]
    file.unlink()
    with pytest.raises(DataError, match="no cubes"):
        open_source(folder)
    (folder / "mag1" / "x0000").rename(folder / "mag1" / "other")
    with pytest.raises(DataError, match="no cubes"):
        open_source(folder, format="knossos")


@pytest.mark.parametrize("options", [{}, {"format": "knossos"}])
def test_a_magnification_names_the_folder_above(dataset, options):
    with pytest.raises(KeyError, match=rf"open the folder above it, {dataset}, with 'mag2' as internal_path"):
        open_source(dataset / "mag2", **options)
