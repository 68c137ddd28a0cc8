"""Streaming inference with the integer step model of a build: decisions on frames or texts, or text it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice, tee
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import generation, recipe
from edgernn import network as networks
from edgernn.cases import Case, cases
from edgernn.datasets import csv_windows, items_csv, text_files
from edgernn.datasets.item_sections import CatalogItems, ItemsData
from edgernn.decide import AlarmRule, SampleRule, TopRule, alarm, sample, words
from edgernn.decide.top import NOTHING, top_after
from edgernn.engines import c_model, engine
from edgernn.errors import InputError, MissingToolError
from edgernn.features import tokens
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.network import Network, Vocabulary
from edgernn.targets import artifact_name, supported

LENGTH = 400  # tokens
BITS = 10  # fraction bits of outputs of engines that give real numbers: scores up to 32


def decisions(folder: Path, source: Path) -> Iterator[dict[str, Any]]:
    """The label and the largest output, or all quantities of a regression, after every step of `source`.

    Of a network with a rule for alarms it is how far the last frames are from their forecasts, and `alarm`.

    Each is given as soon as its frames are there.

    `source` is a CSV file with the network's channels as columns, or `-` for standard input. A step is a frame, or
    as many as the network's strides make of it; what is left at the end is too few for one. Where C cannot run,
    another engine decides, when it has all frames. For a network that reads texts it is plain UTF-8, and each line
    that is not blank gets one decision. For one that reads items it is a CSV file with the recipe's columns of
    baskets and items, and every row gets what comes next; a basket begins where another one's name stands.

    Raises InputError for a network without a step form, and for a bad row, when the rows before it are decided;
    MissingToolError when no engine can run the build's int8 step model.
    """
    paths = BuildFolder(folder)
    network = networks.load(paths.network)
    if not network.streams:
        raise InputError(f"{folder}: a bidirectional network decides whole windows, it cannot run frame by frame")
    if network.vocabulary and network.vocabulary.kind == "items":
        with closing(items_csv.rows(source, _basket(paths), network.channels[0])) as rows:
            yield from _of_items(paths, network, network.vocabulary, rows)
        return
    if network.vocabulary:
        with closing(text_files.lines(source)) as lines:
            yield from _of_texts(paths, network, network.vocabulary, lines)
        return
    with closing(csv_windows.frames(source, network.channels)) as frames:
        if isinstance(network.decide, AlarmRule):
            yield from _alarms(paths, network, network.decide, frames)
            return
        for step, output in enumerate(_outputs(paths, frames, network.frames_per_step), start=1):
            yield {"step": step} | _told(network, output)


def text(
    folder: Path,
    prompt: str,
    length: int = LENGTH,
    temperature: float | None = None,
    top_k: int | None = None,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """The tokens that the network writes after `prompt`, each as soon as it is drawn.

    `temperature` and `top_k` are those of the build's rule where they are None; a seed gives the same text again.
    What the network does not know in the prompt it reads as `<unk>`, as in training; an empty prompt is a new line.

    Raises InputError for a network that does not say what comes next in a text, and for numbers that no rule has;
    MissingToolError when no engine can run the build's int8 step model.
    """
    paths = BuildFolder(folder)
    network = networks.load(paths.network)
    if network.task != "next" or not network.vocabulary or network.vocabulary.kind == "items":
        raise InputError(f"{folder}: the network writes no text; give it --input")
    rule = _rule(network, temperature, top_k)
    if length < 1:
        raise InputError(f"--length is {length}; it is a number of tokens, from 1")
    if not 0 <= seed <= sample.STATE:
        raise InputError(f"--seed is {seed}; it is a whole number from 0 to {sample.STATE}")
    step, bits = _step(paths)
    found = generation.written(step, generation.read(network.vocabulary, prompt), bits, rule, seed)
    for number, token in enumerate(islice(found, length), start=1):
        yield {"step": number, "text": network.labels[token]}


def unknown(folder: Path, prompt: str) -> list[str]:
    """What the vocabulary of a build's network does not have of a prompt, each once, in order."""
    vocabulary = networks.load(BuildFolder(folder).network).vocabulary
    if vocabulary is None:
        return []
    return list(
        dict.fromkeys(token for token in tokens.read(vocabulary, prompt) if token not in vocabulary.numbers)
    )


def line(decision: Mapping[str, Any]) -> str:
    """A decision as a person reads it."""
    (_, step), *others = decision.items()  # or the line of a text, or the row of an item
    return "  ".join([f"{step:6d}", *(_shown(name, value) for name, value in others)]).rstrip()


def _shown(name: str, value: str | bool | float | Sequence[str]) -> str:
    if isinstance(value, bool):
        return name if value else ""
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, float) else " ".join(value)


def _rule(network: Network, temperature: float | None, top_k: int | None) -> SampleRule:
    own = network.decide if isinstance(network.decide, SampleRule) else SampleRule(1.0, 0)
    rule = replace(
        own,
        temperature=own.temperature if temperature is None else temperature,
        top_k=own.top_k if top_k is None else top_k,
    )
    low, high = sample.TEMPERATURES
    if not low <= rule.temperature <= high:
        raise InputError(f"--temperature is {rule.temperature:g}; it is from {low:g} to {high:g}")
    if rule.top_k < 0:
        raise InputError(f"--top-k is {rule.top_k}; it is how many tokens can be drawn, 0 for all")
    return rule


def _step(paths: BuildFolder) -> tuple[generation.Step, int]:
    """What reads a token and gives outputs, and the fraction bits of these."""
    if (paths.artifacts / "c" / "int8").is_dir():
        try:
            bits = words.fraction_bits(native(networks.load_quantized(paths.quantized))[-1].output.scale)
            return generation.c_step(c_model.load(paths.root, "int8", streams=1), bits), bits
        except MissingToolError:
            pass
    return _from_the_start(_case(paths)), BITS


def _from_the_start(case: Case) -> generation.Step:
    """An engine that takes whole streams only reads all tokens again for every one."""
    session = engine(case.engine).open(case.path, "step", threads=1)
    read: list[float] = []

    def step(token: int) -> np.ndarray:
        read.append(token)
        return sample.integers(session.outputs(np.array(read, np.float32)[None, :, None])[0, -1], BITS)

    return step


def _alarms(
    paths: BuildFolder, network: Network, rule: AlarmRule, frames: Iterator[np.ndarray]
) -> Iterator[dict[str, Any]]:
    """The mean distance of the last frames from their forecasts after each step, and whether that is an alarm."""
    qtype = native(networks.load_quantized(paths.quantized))[-1].output
    alarms = alarm.Alarms(network.outputs, qtype.scale, rule)
    unit = qtype.scale / (rule.smooth * network.outputs)
    read, kept = tee(frames)
    outputs = _outputs(paths, read, network.frames_per_step)
    for step, (output, frame) in enumerate(zip(outputs, kept, strict=False), 1):
        value = int(alarm.integers(frame[[rule.channel]], qtype.scale)[0])
        total, given = alarms.push(value, qtype.quantize(output))
        yield {"step": step, "distance": total * unit, "alarm": given}


def _told(network: Network, output: np.ndarray) -> dict[str, Any]:
    """What an output means: a class and its score, or of a regression every quantity by its name."""
    if network.task == "regress":
        return {label: float(value) for label, value in zip(network.labels, output, strict=True)}
    best = int(output.argmax())
    return {"label": network.labels[best], "output": float(output[best])}


def _of_texts(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, lines: Iterator[tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    """A decision a line, given with its number: that after the last step of the text."""
    run = _whole(paths)
    for number, text in lines:
        words = tokens.read(vocabulary, text)
        if not words:
            raise InputError(f"line {number}: the text has no word; remove the line")
        read = tokens.encode(vocabulary, words, network.steps).astype(np.float32)[:, None]
        whole = len(read) // network.frames_per_step * network.frames_per_step
        missing = 0 if whole else network.frames_per_step - len(read)
        frames = np.pad(read, ((0, missing), (0, 0))) if missing else read[:whole]
        yield {"line": number} | _told(network, run(frames))


def _basket(paths: BuildFolder) -> str:
    """The column of baskets in the recipe of a build."""
    data = recipe.load(paths.recipe).data
    assert isinstance(data, ItemsData | CatalogItems)
    return data.basket


def _of_items(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, rows: Iterator[items_csv.Row]
) -> Iterator[dict[str, Any]]:
    """What comes next after every row. What its basket has already is read again only where that counts."""
    run, rule = _whole(paths), network.decide
    once = isinstance(rule, TopRule) and rule.exclude_seen
    taken: list[int] = []
    basket = None
    for row in rows:
        taken = taken if row.basket == basket else []
        basket, number = row.basket, vocabulary.numbers.get(row.item, 0)
        if not (once and number and number in taken):
            taken.append(number)
        seen = np.array(taken)
        output = run(seen.astype(np.float32)[:, None])
        told = _told(network, output)
        if isinstance(rule, TopRule):
            told = {"next": [network.labels[i] for i in top_after(output, rule, seen) if i != NOTHING]}
        yield {"row": row.number, "basket": row.basket, "item": row.item} | told


def _whole(paths: BuildFolder) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the output [outputs] after a whole stream of frames [frames, inputs]."""
    if (paths.artifacts / "c" / "int8").is_dir():
        try:
            model = c_model.load(paths.root, "int8", streams=1)
            return lambda frames: np.atleast_2d(model.sequence(frames))[-1]
        except MissingToolError:
            pass
    case = _case(paths)
    session = engine(case.engine).open(case.path, "step", threads=1)
    return lambda frames: session.outputs(frames[None])[0, -1]


def _outputs(paths: BuildFolder, frames: Iterator[np.ndarray], frames_per_step: int) -> Iterator[np.ndarray]:
    """Real outputs, float32 [outputs], after every step."""
    steps = (np.stack(some) for some in zip(*[frames] * frames_per_step, strict=False))
    if not (paths.artifacts / "c" / "int8").is_dir():
        return _at_the_end(_case(paths), steps)
    try:
        model = c_model.load(paths.root, "int8", streams=1)
    except MissingToolError:
        return _at_the_end(_case(paths), steps)
    return (model.step(step.squeeze(0) if frames_per_step == 1 else step) for step in steps)


def _at_the_end(case: Case, steps: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """What an engine says that takes whole streams only; a fault in them is told after the frames before it."""
    session = engine(case.engine).open(case.path, "step", threads=1)
    fault: InputError | None = None
    read: list[np.ndarray] = []
    try:
        read.extend(steps)
    except InputError as error:
        fault = error
    if read:
        yield from session.outputs(np.concatenate(read)[None])[0]
    if fault:
        raise fault


def _case(paths: BuildFolder) -> Case:
    """The first int8 step model of the build that an installed engine runs."""
    present = [
        combination
        for combination in sorted(supported())
        if combination.form == "step"
        and combination.precision == "int8"
        and (paths.artifacts / artifact_name(combination)).exists()
    ]
    found = cases(present, "all", paths.artifacts)
    steps = [case for case in found if case.form == "step" and not case.skip]
    if not steps:
        raise MissingToolError(f"no engine here runs an int8 step model of {paths.root}; see `edgernn doctor`")
    return steps[0]
