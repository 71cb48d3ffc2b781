import pickle

import pytest
import torch
from funlib.geometry import Coordinate

from dalsegno.errors import DataError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNet, CNNectomeUNetConfig
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.model import Model


@pytest.fixture
def unet():
    return CNNectomeUNet(
        CNNectomeUNetConfig(
            input_shape=(48, 48),
            fmaps_in=2,
            fmaps_out=4,
            num_fmaps=3,
            fmap_inc_factor=2,
            downsample_factors=[(2, 2), (2, 2)],
            eval_shape_increase=(16, 32),
            upsample_factors=[(1, 2)],
            batch_norm=True,
        )
    )


def test_a_model_takes_its_shapes_from_the_architecture(unet):
    model = Model(unet, torch.nn.Conv2d(4, 7, 1))
    assert (model.num_in_channels, model.num_out_channels) == (2, 7)
    assert (model.input_shape, model.eval_input_shape) == (Coordinate(48, 48), Coordinate(64, 80))
    assert model.output_shape == Coordinate(4, 12)
    assert model.compute_output_shape(model.eval_input_shape) == Coordinate(20, 76)
    assert model(torch.zeros(1, 2, 64, 80)).shape == (1, 7, 20, 76)
    assert model.scale(Coordinate(4, 4)) == Coordinate(4, 2)


def test_a_head_may_change_the_shape_too():
    body = DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=3))
    assert Model(body, torch.nn.Conv3d(3, 1, (3, 1, 1))).output_shape == Coordinate(36, 18, 18)


def test_shapes_are_worked_out_without_touching_anything(unet):
    model = Model(unet, torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Conv2d(4, 1, 1)))
    unet.eval()
    before = pickle.dumps(model.state_dict())
    random_state = torch.get_rng_state()
    assert model.compute_output_shape(Coordinate(4048, 4048)) == Coordinate(4004, 8012)
    assert pickle.dumps(model.state_dict()) == before
    assert torch.equal(torch.get_rng_state(), random_state)
    assert model.training
    assert not unet.training


def test_a_shape_that_does_not_go_through_is_an_error(unet):
    with pytest.raises(DataError, match="axis 0: 45"):
        Model(unet, torch.nn.Conv2d(4, 1, 1)).compute_output_shape(Coordinate(45, 48))


def test_the_activation_is_for_evaluation_only(unet):
    model = Model(unet, torch.nn.Conv2d(4, 1, 1), eval_activation=torch.nn.Sigmoid())
    x = 50 * torch.randn(1, 2, 48, 48)
    unet.eval()
    logits = model.prediction_head(unet(x))
    torch.testing.assert_close(model(x), logits)
    torch.testing.assert_close(model.eval()(x), logits.sigmoid())
    plain = Model(unet, model.prediction_head).eval()
    torch.testing.assert_close(plain(x), logits)


def test_weights_that_are_brought_stay_as_they_are(unet):
    """A pre-trained body that a model draws anew, and a run keeps frozen, would be a random one."""
    head = torch.nn.Conv2d(4, 1, 1)
    torch.nn.init.constant_(head.weight, 0.25)
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    model = Model(unet, head)
    torch.testing.assert_close(dict(model.architecture.state_dict()), before, rtol=0, atol=0)
    assert (head.weight == 0.25).all()


def test_a_model_survives_pickling(unet):
    model = Model(unet, torch.nn.Conv2d(4, 1, 1)).eval()
    x = torch.randn(1, 2, 48, 48)
    torch.testing.assert_close(pickle.loads(pickle.dumps(model))(x), model(x))
