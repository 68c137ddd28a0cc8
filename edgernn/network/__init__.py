"""Network (float) and QuantizedNetwork: everything about a trained model, and no framework inside."""

from edgernn.network.channel import Channel, ChannelKind, Cycle, Times, Wave
from edgernn.network.files import load, load_quantized, save, save_quantized
from edgernn.network.layer import KINDS, Layer
from edgernn.network.model import (
    Calibration,
    Form,
    Granularity,
    IntegerPrecision,
    Network,
    Precision,
    QuantizedNetwork,
    StateType,
    Task,
)
from edgernn.network.passes import POOLS, Pass
from edgernn.network.vocabulary import END, TO, UNKNOWN, Case, Keep, TokenKind, Tokens, Vocabulary

__all__ = [
    "END",
    "KINDS",
    "POOLS",
    "TO",
    "UNKNOWN",
    "Calibration",
    "Case",
    "Channel",
    "ChannelKind",
    "Cycle",
    "Form",
    "Granularity",
    "IntegerPrecision",
    "Keep",
    "Layer",
    "Network",
    "Pass",
    "Precision",
    "QuantizedNetwork",
    "StateType",
    "Task",
    "Times",
    "TokenKind",
    "Tokens",
    "Vocabulary",
    "Wave",
    "load",
    "load_quantized",
    "save",
    "save_quantized",
]
