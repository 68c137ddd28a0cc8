"""Networks on disk: arrays and JSON in one archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import archive
from edgernn.decide import described, from_description
from edgernn.errors import InputError
from edgernn.network.channel import Channel, Times
from edgernn.network.layer import KINDS, Layer
from edgernn.network.model import Calibration, Network, QuantizedNetwork
from edgernn.network.vocabulary import Vocabulary


def save(network: Network, path: Path) -> None:
    archive.save(path, _header(network), _arrays(network))


def load(path: Path) -> Network:
    """Raises InputError when the file is missing, damaged or not a network."""
    header, arrays = archive.load(path)
    with _reading(path, "a network"):
        return _network(header, arrays)


def save_quantized(quantized: QuantizedNetwork, path: Path) -> None:
    header = _header(quantized.network) | {
        "precisions": dict(quantized.precisions),
        "state": quantized.state,
        "ranges": {name: list(pair) for name, pair in quantized.ranges.items()},
        "calibration": asdict(quantized.calibration),
    }
    arrays = _arrays(quantized.network)
    arrays |= {f"int8:{name}": value for name, value in quantized.weights.items()}
    arrays |= {f"scale:{name}": value for name, value in quantized.scales.items()}
    archive.save(path, header, arrays)


def load_quantized(path: Path) -> QuantizedNetwork:
    """Raises InputError when the file is missing, damaged or not a quantised network."""
    header, arrays = archive.load(path)
    with _reading(path, "a quantised network"):
        return QuantizedNetwork(
            network=_network(header, arrays),
            precisions=header["precisions"],
            state=header["state"],
            weights={k.removeprefix("int8:"): v for k, v in arrays.items() if k.startswith("int8:")},
            scales={k.removeprefix("scale:"): v for k, v in arrays.items() if k.startswith("scale:")},
            ranges={name: (low, high) for name, (low, high) in header["ranges"].items()},
            calibration=Calibration(**header["calibration"]),
        )


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Tells what a file lacks, or has in another form, as InputError."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        fault = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise InputError(f"{path} is not {what} of this version ({fault}); delete it and build again") from None


def _header(network: Network) -> dict[str, object]:
    return {
        "name": network.name,
        "steps": network.steps,
        "rate_hz": network.rate_hz,
        "channels": list(network.channels),
        "labels": list(network.labels),
        "every_step": network.every_step,
        "task": network.task,
        **({"features": network.features} if network.features else {}),
        **({"decide": described(network.decide)} if network.decide else {}),
        **({"encoding": [asdict(one) for one in network.encoding]} if network.encoding else {}),
        **({"times": asdict(network.times)} if network.times else {}),
        **({"every": network.every} if network.every > 1 else {}),
        **({"hold": network.hold} if network.hold else {}),
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "inputs": layer.inputs,
                "options": layer.options.model_dump(mode="json"),
            }
            for layer in network.layers
        ],
        **({"vocabulary": asdict(network.vocabulary)} if network.vocabulary else {}),
    }


def _arrays(network: Network) -> dict[str, np.ndarray]:
    arrays = {"mean": network.mean, "std": network.std}
    for layer in network.layers:
        arrays |= {f"weight:{layer.name}:{i}": weight for i, weight in enumerate(layer.weights)}
    return arrays


def _network(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Network:
    layers = tuple(_layer(spec, arrays) for spec in header["layers"])
    if arrays["mean"].shape != arrays["std"].shape or arrays["mean"].shape != (layers[0].inputs,):
        raise ValueError("mean and std have other shapes than its input")
    return Network(
        name=str(header["name"]),
        steps=int(header["steps"]),
        rate_hz=float(header["rate_hz"]),
        channels=tuple(header["channels"]),
        labels=tuple(header["labels"]),
        mean=arrays["mean"],
        std=arrays["std"],
        layers=layers,
        every_step=bool(header["every_step"]),
        task=header.get("task", "classify"),  # absent from files of before there were others
        vocabulary=_vocabulary(header.get("vocabulary")),
        features=header.get("features"),
        decide=from_description(header["decide"]) if "decide" in header else None,
        encoding=tuple(Channel(**one) for one in header.get("encoding", ())),
        times=Times(**header["times"]) if "times" in header else None,
        every=int(header.get("every", 1)),
        hold=int(header.get("hold", 0)),
    )


def _vocabulary(spec: Mapping[str, Any] | None) -> Vocabulary | None:
    """None of a network that reads no texts."""
    return None if spec is None else Vocabulary(**{**spec, "entries": tuple(spec["entries"])})


def _layer(spec: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Layer:
    kind = KINDS[spec["kind"]]
    options = kind.Options.model_validate(spec["options"])
    layer = Layer(spec["name"], spec["kind"], spec["inputs"], options, ())
    shapes = [w.shape for w in kind.weights(layer.inputs, options)] * len(layer.directions)
    weights = tuple(arrays[f"weight:{layer.name}:{i}"] for i in range(len(shapes)))
    if [weight.shape for weight in weights] != shapes:
        raise ValueError(f"the weights of {layer.name} have other shapes than its options")
    return replace(layer, weights=weights)
