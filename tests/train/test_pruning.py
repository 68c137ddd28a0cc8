"""Fine-tuning under masks: TFMOT sees all matrices, our schedule is TFMOT's, and masked weights stay zero."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.network import KINDS, Layer, Network
from edgernn.sparsity import Schedule, masks_of, matrices, zero_blocks
from edgernn.train_sections import PruneSection, TrainSection
from train import sample

NETWORK = sample.network(0, 9, 4, ("gru", 8), ("gru", 4), ("dense", 3))
TRAIN = TrainSection(dropout=0.0, weight_decay=0.1)


def learn(learner: object, steps: int) -> None:
    """Updates of a learner on random windows."""
    from edgernn.train.backend import tf

    rng = np.random.default_rng(0)
    for step in range(steps):
        x = tf.constant(rng.normal(0, 1, (5, 9, 4)).astype(np.float32))
        y = tf.constant(rng.integers(0, 3, 5).astype(np.int32))
        found = learner.gradients(x, y, tf.constant(step, tf.int64))
        learner.update(found.by_variable, found.norm, tf.constant(0.01), tf.constant(0.5))


@pytest.mark.parametrize("final", [0.3, 0.8])
@pytest.mark.parametrize(("begin", "end", "initial", "power"), [(0, 60, 0.0, 3), (20, 63, 0.2, 1), (7, 60, 0.5, 2)])
def test_the_schedule_is_that_of_tfmot(begin: int, end: int, initial: float, power: int, final: float) -> None:
    from tensorflow_model_optimization.sparsity import keras as tfmot

    from edgernn.train.backend import tf

    plan = Schedule.over(begin, end, 7, initial, power)
    decay = tfmot.PolynomialDecay(
        min(initial, final), final, plan.begin, plan.end, power=power, frequency=plan.every
    )
    for step in range(1, 75):
        chooses, share = decay(tf.constant(step, tf.int64))
        assert plan.chooses(step) == bool(chooses)
        assert plan.sparsity(step, final) == pytest.approx(float(share), abs=1e-6)


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "lstm", "dense", "embedding"])
def test_tfmot_prunes_the_same_weights_by_itself(kind: str) -> None:
    """Its own registry is the evidence that no matrix is forgotten, for the layers that it knows."""
    from tensorflow_model_optimization.sparsity import keras as tfmot

    from edgernn.train.backend import keras
    from edgernn.train.pruning import prunable

    options = {"entries": 9, "units": 4} if kind == "embedding" else {"units": 4}
    chosen = KINDS[kind].Options(**options)
    own = matrices(Layer("own", kind, 3, chosen, ()))
    shape = (None, 5) if kind == "embedding" else (None, 5, 3)
    found = []
    for change in (lambda layer: layer, lambda layer: prunable(layer, own)):
        wrapper = tfmot.prune_low_magnitude(change(getattr(keras.layers, KINDS[kind].KERAS)(**_keras(kind))))
        wrapper.build(shape)
        found.append([weight.name for weight, _, _ in wrapper.pruning_vars])
    assert found[0] == found[1] != []


def _keras(kind: str) -> dict[str, int]:
    return {"input_dim": 9, "output_dim": 4} if kind == "embedding" else {"units": 4}


def test_tfmot_prunes_inside_bidirectional() -> None:
    """It refuses such a layer, unless the layer names its weights itself."""
    from tensorflow_model_optimization.sparsity import keras as tfmot

    from edgernn.train.backend import keras, tf
    from edgernn.train.pruning import prunable

    start = {"kernel_initializer": keras.initializers.GlorotUniform(0)}  # nothing may draw without a seed
    start["recurrent_initializer"] = keras.initializers.Orthogonal(seed=0)
    both = keras.layers.Bidirectional(keras.layers.LSTM(8, **start), name="lstm")
    with pytest.raises(ValueError, match="supported layer"):
        tfmot.prune_low_magnitude(both)
    chosen = KINDS["lstm"].Options(units=8, bidirectional=True)
    named = prunable(both, matrices(Layer("lstm", "lstm", 4, chosen, ())))
    decay = tfmot.PolynomialDecay(0.0, 0.75, 0, 4, frequency=1)
    model = keras.Sequential([keras.Input((5, 4)), tfmot.prune_low_magnitude(named, decay)])
    model.compile("sgd", "mse")
    data = tf.random.stateless_normal((16, 5, 4), [0, 0]), tf.ones((16, 16))

    model.fit(*data, batch_size=2, shuffle=False, verbose=0, callbacks=[tfmot.UpdatePruningStep()])

    shares = [np.mean(weight == 0) for weight in tfmot.strip_pruning(model).get_layer("lstm").get_weights()]
    assert shares == [0.75, 0.75, 0, 0.75, 0.75, 0]


def test_masked_weights_stay_zero_while_the_others_learn() -> None:
    from edgernn.train import models
    from edgernn.train.masks import MaskedLearner

    sparse = sample.network(0, 9, 4, ("gru", 8), ("gru", 4), ("dense", 3))
    rng = np.random.default_rng(1)
    for layer in sparse.layers:
        for matrix in matrices(layer):
            weight = layer.weights[matrix.index]
            weight[rng.random(weight.shape) < 0.5] = 0
    model = models.every_step_model(sparse)
    learner = MaskedLearner(model, sparse, TRAIN, 0, masks_of(sparse))

    learn(learner, 3)

    for trained in (models.to_network(model, sparse), models.to_network(learner.averaged, sparse)):
        for layer, before in zip(trained.layers, sparse.layers, strict=True):
            for matrix in matrices(layer):
                weight, start = layer.weights[matrix.index], before.weights[matrix.index]
                np.testing.assert_array_equal(weight == 0, start == 0)
                assert np.mean(weight == start) == np.mean(start == 0)
            assert (layer.weights[-1] != before.weights[-1]).all()  # biases


def test_blocks_go_by_the_schedule() -> None:
    from edgernn.train import models
    from edgernn.train.pruning import BlockLearner

    section = PruneSection.model_validate({"sparsity": 0.75, "block": [2, 2], "layers": ["gru"]})
    plan = Schedule.over(0, 6, 3, initial=0.0, power=3)
    model = models.every_step_model(NETWORK)
    learner = BlockLearner(model, NETWORK, TRAIN, 0, section, plan)

    found = []
    for _ in range(8):
        learn(learner, 1)
        found.append(_zero_blocks(models.to_network(learner.averaged, NETWORK)))
        assert found[-1] == _zero_blocks(models.to_network(model, NETWORK))

    # of 16 blocks a gate in the recurrent kernel, (1 - s) * 16 rounded up stay: s = 0.75 (1 - (1 - step / 6)**3)
    assert [z for _, z in found] == [0, 8, 8, 11, 11, 12, 12, 12]
    assert [z for z, _ in found] == [0, 4, 4, 5, 5, 6, 6, 6]


def _zero_blocks(network: Network) -> tuple[int, int]:
    """Of the first gate of both matrices of the first layer."""
    layer = network.layers[0]
    kernel, recurrent = (zero_blocks(layer.weights[m.index], m, (2, 2))[0] for m in matrices(layer))
    return kernel, recurrent
