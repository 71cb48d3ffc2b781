import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.nets.unet_plan import UNetPlan

ODD = st.sampled_from([1, 3, 5])
FACTOR = st.integers(1, 3)


def plan_of(factors, padding="valid", **others):
    dims = len(factors[0])
    kernels = (((3,) * dims,) * 2,)
    return UNetPlan(
        **{
            "fmaps_in": 1,
            "fmaps_out": 2,
            "num_fmaps": 2,
            "fmap_inc_factor": 2,
            "downsample_factors": factors,
            "kernels_down": kernels * (len(factors) + 1),
            "kernels_up": kernels * len(factors),
            "padding": padding,
        }
        | others
    )


@st.composite
def plans(draw):
    levels = draw(st.integers(1, 3))

    def passes(number):
        return tuple(tuple((k,) for k in draw(st.lists(ODD, min_size=1, max_size=2))) for _ in range(number))

    return plan_of(
        tuple((draw(FACTOR),) for _ in range(levels)),
        padding=draw(st.sampled_from(["valid", "same"])),
        kernels_down=passes(levels + 1),
        kernels_up=passes(levels),
        upsample_factors=tuple((f,) for f in draw(st.lists(FACTOR, max_size=1))),
    )


@pytest.mark.parametrize(("given_size", "size"), [(64, 24), (96, 56), (44, 4)])
def test_two_levels_of_two(given_size, size):
    assert plan_of(((2, 2, 2), (2, 2, 2))).output_shape((given_size,) * 3) == (size,) * 3


def test_levels_multiply_feature_maps():
    plan = plan_of(((2, 2),), num_fmaps=12, fmap_inc_factor=5)
    assert [plan.fmaps(level) for level in range(3)] == [12, 60, 300]


@given(plans(), st.integers(1, 150))
def test_same_padding_keeps_the_size_and_valid_padding_gives_a_multiple_of_the_factors(plan, size):
    out = plan.output_size(size, 0)
    factors = upsampled = 1
    for factor in plan.downsample_factors:
        factors *= factor[0]
    for factor in plan.upsample_factors:
        upsampled *= factor[0]
    if out and plan.padding == "same":
        assert size % factors == 0
        assert out == size * upsampled
    elif out and not plan.upsample_factors:
        assert out % factors == 0


@given(plans(), st.integers(1, 150))
def test_the_output_lies_in_the_middle_of_the_input(plan, size):
    out = plan.output_size(size, 0)
    upsampled = plan.upsample_factors[0][0] if plan.upsample_factors else 1
    assert not out or (size * upsampled - out) % 2 == 0


@given(plans(), st.integers(-5, 150))
def test_a_misfit_names_the_nearest_sizes_that_go_through(plan, size):
    if plan.output_size(size, 0):
        return
    numbers = [int(word) for word in plan.misfit(size, 0).rpartition(";")[2].split() if word.isdigit()]
    assert all(plan.output_size(number, 0) for number in numbers)
    below, above = ([*numbers, None] if len(numbers) == 2 else [0, *numbers, None])[:2]
    assert below <= max(size, 0) < above or (below < size < above)
    assert not any(plan.output_size(between, 0) for between in range(below + 1, above))


def test_a_shape_that_does_not_go_through_is_an_error_that_helps():
    plan = plan_of(((1, 2, 2), (1, 2, 2)))
    with pytest.raises(DataError, match=r"axis 1: 65 .* 64 and 68"):
        plan.output_shape((64, 65, 64))
    with pytest.raises(DataError, match="3D U-Net"):
        plan.output_shape((64, 64))
