"""Quantisation-aware training: the float weights move to where the integer arithmetic does least harm."""

from __future__ import annotations

from pathlib import Path

from edgernn.datasets.splits import Splits
from edgernn.network import Network, QuantizedNetwork
from edgernn.recipe import Recipe


def fine_tune(
    network: Network, quantized: QuantizedNetwork, recipe: Recipe, splits: Splits, folder: Path, quiet: bool
) -> Network:
    """`network` trained on as `recipe.quantize.qat` says, in the arithmetic of `quantized`, which is made from it.

    It learns to give the outputs of `network` itself; the result has to be quantised again, with the same
    calibration windows. With `quantize.state: int8` the arithmetic is that of TFLite and ONNX, else that of C.
    The zeros of a recipe that prunes stay zero, and batch normalisation keeps its statistics. Logs and checkpoint
    are as those of `edgernn.train.fit`, under the name `qat`. Without the section, or with 0 epochs, the network
    comes back as it is.

    Raises:
        InputError: a loss or a gradient is not finite.
    """
    section = recipe.quantize.qat
    if section is None or not section.epochs:
        return network
    from edgernn.train import quantization_aware  # TensorFlow: only where there is something to train

    return quantization_aware.fine_tuned(network, quantized, recipe, section, splits, folder, quiet=quiet)
