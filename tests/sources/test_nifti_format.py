from decimal import Decimal

import nibabel
import numpy as np
import pytest

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source

DATA = np.random.default_rng(0).integers(0, 3000, (5, 6, 7)).astype(np.int16)


def save(path, data, zooms=(1.0, 1.0, 1.0), unit="mm"):
    image = nibabel.Nifti1Image(data, np.diag([*zooms[:3], 1.0]))
    image.header.set_zooms(zooms)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_reads_z_y_x(tmp_path, suffix):
    source = open_source(save(tmp_path / f"a{suffix}", DATA))
    assert (source.shape, source.dtype, source.internal_path) == ((7, 6, 5), np.int16, "data")
    assert not source.writable
    np.testing.assert_array_equal(source[:], DATA.T)
    np.testing.assert_array_equal(source[2, 1:4, -2:], DATA.T[2, 1:4, -2:])
    assert source[:].flags.c_contiguous


def test_scaled_integers_are_floats_and_say_so(tmp_path):
    image = nibabel.Nifti1Image(DATA, np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, tmp_path / "a.nii")
    source = open_source(tmp_path / "a.nii")
    assert source.dtype == source[:].dtype == np.float32
    np.testing.assert_allclose(source[:], nibabel.load(tmp_path / "a.nii").get_fdata().T, rtol=1e-6)


@pytest.mark.parametrize(
    ("zooms", "unit", "voxel_size", "units"),
    [
        ((0.7, 0.8, 2.5), "mm", ("2.5", "0.8", "0.7"), "mm"),
        ((1.0, 1.0, 1.0), "unknown", ("1.0", "1.0", "1.0"), None),
        ((4.0, 4.0, 50.0), "micron", ("50.0", "4.0", "4.0"), "um"),
    ],
)
def test_the_header_tells_voxel_size_and_units(tmp_path, zooms, unit, voxel_size, units):
    geometry = open_source(save(tmp_path / "a.nii", DATA, zooms, unit)).metadata
    assert geometry == Geometry(
        ("z", "y", "x"), tuple(map(Decimal, voxel_size)), offset=(0, 0, 0), units=units, convention="NIfTI header"
    )


def offset_of(path, linear, *, code=2, form="sform"):
    """Return the offset of an image whose affine has this linear part and a translation, set in one of the forms."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = linear, (1.5, -20, 0.3)
    image = nibabel.Nifti1Image(DATA, None)
    image.header.set_zooms(np.linalg.norm(linear, axis=0))
    image.header.set_xyzt_units("mm")
    getattr(image.header, f"set_{form}")(affine, code)
    nibabel.save(image, path)
    source = open_source(path)
    np.testing.assert_array_equal(source[:], DATA.T)
    assert source.metadata.voxel_size == (4, Decimal("0.8"), Decimal("0.5"))
    return source.metadata.offset


@pytest.mark.parametrize("form", ["sform", "qform"])
def test_the_translation_of_aligned_axes_is_the_offset(tmp_path, form):
    offset = (Decimal("0.3"), Decimal(-20), Decimal("1.5"))
    for suffix in (".nii", ".nii.gz"):
        assert offset_of(tmp_path / f"a{suffix}", np.diag([0.5, 0.8, 4]), form=form) == offset
    assert offset_of(tmp_path / "b.nii", np.diag([0.5, 0.8, 4]), form=form, code=0) is None


@pytest.mark.parametrize("form", ["sform", "qform"])
def test_images_whose_axes_are_flipped_or_turned_have_no_offset(tmp_path, form):
    for flipped in ([-0.5, 0.8, 4], [-0.5, -0.8, 4], [0.5, 0.8, -4]):
        assert offset_of(tmp_path / "a.nii", np.diag(flipped), form=form) is None
    for angle in (0.3, 1e-4, np.pi / 2):
        turn = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        assert offset_of(tmp_path / "a.nii", turn @ np.diag([0.5, 0.8, 4]), form=form) is None


def test_a_fourth_axis_comes_first_and_has_no_name(tmp_path):
    data = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    source = open_source(save(tmp_path / "a.nii", data, (1.0, 1.0, 1.0, 1.0)))
    assert (source.shape, source.metadata.axes) == ((5, 4, 3, 2), None)
    np.testing.assert_array_equal(source[1:3, 2], data.T[1:3, 2])


def test_damage_is_a_data_error(tmp_path):
    (tmp_path / "a.nii").write_bytes(b"no image")
    with pytest.raises(DataError, match="complete"):
        open_source(tmp_path / "a.nii")
    save(tmp_path / "b.nii.gz", np.random.default_rng(0).integers(0, 9, (40, 40, 40)).astype(np.uint8))
    (tmp_path / "b.nii.gz").write_bytes((tmp_path / "b.nii.gz").read_bytes()[:3000])
    with pytest.raises(DataError, match="complete"):
        open_source(tmp_path / "b.nii.gz")[:]
    with pytest.raises(KeyError, match="holds one"):
        open_source(save(tmp_path / "c.nii", DATA), "labels")
