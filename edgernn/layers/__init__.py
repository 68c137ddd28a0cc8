"""Layers without a state of their own; a module has the same four things as a cell (see `edgernn.cells`)."""

from edgernn.layers import dense

LAYERS = {"dense": dense}
