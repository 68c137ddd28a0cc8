"""Train compact recurrent networks, quantise them to integers and ship them as TFLite, ONNX and C, with proof."""

__version__ = "0.1.0"
