"""Layers that are not recurrent cells; a module has the same names as that of a cell (see `edgernn.cells`)."""

from edgernn.layers import attention, conv, dense, embedding, layer_norm, pool

LAYERS = {
    "dense": dense,
    "embedding": embedding,
    "conv": conv,
    "layer_norm": layer_norm,
    "pool": pool,
    "attention": attention,
}
