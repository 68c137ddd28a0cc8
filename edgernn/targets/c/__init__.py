"""The C target: one folder of C99 that serves both forms; its API is the generated header.

The arithmetic is in the kernels of `edgernn/runtime`, which are copied as they are; Python adds data and a
list of kernel calls. What it computes equals `reference.integer_outputs` bit for bit.
"""

from edgernn.targets.c.content import content, matrices, model_name
from edgernn.targets.c.kernels import DEQUANTIZE_OUTPUT, MATRIX_PRODUCTS, QUANTIZE_FRAME
from edgernn.targets.c.write import SUPPORTED, export

__all__ = ["BOUNDARY", "MATRIX_PRODUCTS", "SUPPORTED", "content", "export", "matrices", "model_name"]

BOUNDARY = frozenset({*QUANTIZE_FRAME.values(), DEQUANTIZE_OUTPUT})
