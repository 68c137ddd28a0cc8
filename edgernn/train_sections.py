"""The recipe's sections on training: the float network, pruning, and training through the integer arithmetic."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from edgernn.network import KINDS, Layer
from edgernn.section import NULL_IS_EMPTY, Flag, Number, Section, Whole, nearest
from edgernn.sparsity import Matrix, matrices

Positive = Annotated[Whole, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Rate = Annotated[Number, Field(gt=0, le=1)]


class AugmentSection(Section):
    """Random changes to training windows, drawn anew in every epoch; 0 or an empty list is off.

    Spreads are standard deviations of normal draws, one for each window.
    """

    speed: Share = 0.0  # tempo up to 1 + speed times as fast or as slow
    rates: tuple[str, ...] = ()  # channels that grow with the tempo: angular velocities
    rate_gain: Share = 0.0  # spread of the logarithm of a factor on all of `rates`
    mirror: tuple[str, ...] = ()  # channels that change sign in every second window: the other side of the body
    rotate_degrees: Annotated[Number, Field(ge=0, le=180)] = 0.0  # spread of a turn about a random axis
    # and about the first axis; channels are x, y, z, ...
    roll_degrees: Annotated[Number, Field(ge=0, le=180)] = 0.0
    scale: Share = 0.0  # spread of a factor on each channel
    offset: Annotated[Number, Field(ge=0, le=10)] = 0.0  # spread of what is added to each channel, as of jitter
    jitter: Annotated[Number, Field(ge=0, le=10)] = 0.0  # spread of noise, in units of normalised input
    # up to so many steps in a row, and so many channels side by side, are their mean over the window: for spectra
    mask_steps: Annotated[Whole, Field(ge=0)] = 0
    mask_channels: Annotated[Whole, Field(ge=0)] = 0
    # every second window begins as another one, for up to this share of its steps: a device that is never reset
    # meets jumps, and must find its way again
    splice: Share = 0.0


class TrainSection(Section):
    """How the float network is trained."""

    epochs: Annotated[Whole, Field(gt=0, le=100_000)] = 60
    batch_size: Annotated[Whole, Field(gt=0, le=65_536)] = 64
    learning_rate: Rate = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    clip_norm: Annotated[Number, Field(ge=0)] = 1.0  # of the gradient over all weights; 0 is off
    weight_decay: Share = 0.0
    dropout: Share = 0.2  # between the recurrent layers and the dense layer
    layer_dropout: Share = 0.0  # between recurrent layers
    input_dropout: Share = 0.0  # of measured values, or of what an embedding makes of tokens
    token_dropout: Share = 0.0  # share of tokens that become 0, which is <unk> of a vocabulary
    # share of a batch of texts that is made of pieces of training texts, and labelled by a linear model of these
    made_texts: Share = 0.0
    label_smoothing: Share = 0.0
    # of classes that are not equally common: `balanced` lets each count the same in the loss
    class_weights: Literal["none", "balanced"] = "none"
    # of a regression, per output and in its standard deviations; huber is squared up to 1 and absolute beyond
    regression_loss: Literal["squared", "absolute", "huber"] = "squared"
    # share of the window after which every step's output counts in the loss; default 0.5, of a regression the last
    loss_from: Share | None = None
    # steps after which gradients stop while states go on, for windows of hundreds of steps; default: whole windows
    truncate: Positive | None = None
    # share of windows that begin in the state that another one ended in, as on a device that is never reset
    carry: Share = 0.0
    # share of the learning rate for the table of an embedding, which with less stays nearer its start
    embedding_rate: Rate = 1.0
    average: Share = 0.995  # memory of the running average of weights, which is what is kept; 0 is off
    patience: Positive = 15  # epochs without a better validation loss before training stops
    # once validation has told the best epoch, train again, as long, on train and validation together
    refit: Flag = False
    augment: Annotated[AugmentSection, NULL_IS_EMPTY] = AugmentSection()


class PruneScheduleSection(Section):
    """How the sparsity grows: as (1 - x) ** power from `initial`, x going from `begin` to `end`."""

    begin: Share = 0.0  # share of the epochs; nothing is pruned before
    end: Annotated[Number, Field(gt=0, le=1)] = 0.5  # share of the epochs; the others heal the network
    initial: Share = 0.0  # sparsity at `begin`
    power: Annotated[Number, Field(gt=0, le=10)] = 3.0
    updates: Annotated[Whole, Field(gt=0, le=10_000)] = 20  # how often the zeros are chosen anew on the way

    @model_validator(mode="after")
    def _grows(self) -> PruneScheduleSection:
        if self.begin >= self.end:
            raise ValueError(f"ends at {self.end:g} of the epochs, before it begins at {self.begin:g}")
        return self


def _block(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(n) is int and n > 0 for n in value):
        return tuple(value)
    raise ValueError(f"must be [rows, inputs], as in [8, 4], not {value!r}")


class PruneSection(Section):
    """Sets the smallest weights to zero and trains the others on; without this section nothing is pruned.

    By element TFMOT chooses the weights of a matrix. With `block` whole blocks of [rows, inputs] become zero, by
    gate; those on the diagonal of a recurrent matrix stay, and so do embedding tables and matrices of one row.
    """

    sparsity: Share  # share of zeros in every weight matrix; 0 is off
    block: Annotated[tuple[Whole, Whole], BeforeValidator(_block)] | None = None
    # with `block`: the share of weights that a gate keeps, where that is not 1 - sparsity
    density: dict[str, Annotated[Number, Field(gt=0, le=1)]] = Field(default_factory=dict)
    # kinds of layers to prune, or single layers by their names: gru_2 is the second gru
    layers: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(KINDS)
    epochs: Annotated[Whole, Field(gt=0, le=100_000)] = 10
    learning_rate: Rate = 5e-4
    schedule: Annotated[PruneScheduleSection, NULL_IS_EMPTY] = PruneScheduleSection()

    @field_validator("layers")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = next((name for name in value if re.sub(r"_[2-9]\d*$|_1\d+$", "", name) not in KINDS), None)
        if unknown is not None:
            raise ValueError(f"has {unknown}, which is not a layer{nearest(unknown, KINDS)}")
        return value

    @model_validator(mode="after")
    def _by_gate(self) -> PruneSection:
        known = {gate for kind in KINDS.values() for gate in kind.GATES if gate}
        unknown = next((gate for gate in self.density if gate not in known), None)
        if unknown is not None:
            raise ValueError(f"has density.{unknown}, which is not a gate{nearest(unknown, known)}")
        if self.density and self.block is None:
            raise ValueError("has density but no block; give its size, [1, 1] for single weights")
        if self.density and not self.sparsity:
            raise ValueError("has density but sparsity 0, which prunes nothing; give the share for the other gates")
        return self

    def matrices(self, layer: Layer) -> tuple[Matrix, ...]:
        """Those matrices of a layer that are to be pruned."""
        if layer.kind not in self.layers and layer.name not in self.layers:
            return ()
        return tuple(matrix for matrix in matrices(layer) if matrix.in_blocks or not self.block)

    def sparsities(self, matrix: Matrix) -> tuple[float, ...]:
        """The share of zeros that each gate of a matrix is to have."""
        return tuple(1 - self.density.get(gate, 1 - self.sparsity) for gate in matrix.gates)


class QatSection(Section):
    """Trains the network on in its integer arithmetic, towards what the float network says."""

    epochs: Annotated[Whole, Field(ge=0, le=100_000)] = 5  # 0 is off
    learning_rate: Rate = 3e-4
