"""What a C folder has of a rule that draws tokens: everything with one, nothing without."""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import reference
from edgernn.decide import SampleRule, sample, words
from edgernn.engines import compiler
from edgernn.errors import ExportError
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork, Vocabulary
from edgernn.quantize import quantize
from edgernn.targets.c.write import export, render

RULE = SampleRule(temperature=0.8, top_k=5)
ENTRIES = ("<unk>", " ", "e", "\n", "A", "a", "é", '"', "\\", "?")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "sample.h"
#define NEXT ernn_next_character
int main(int argc, char **argv)
{
    static sample_state state;
    sample_sampler sampler;
    sample_input_t x[1];
    sample_output_t y[SAMPLE_OUTPUTS];
    size_t length;
    const char *text = argv[argc - 1], *end = text + strlen(text);
    sample_reset(&state);
    sample_sampler_seed(&sampler, 3);
    for (text = NEXT(text, end, &length); text; text = NEXT(text + length, end, &length)) {
        x[0] = sample_token(text, length);
        sample_step(&state, x, y);
    }
    for (int i = 0; i < 200; i++) {
        x[0] = sample_sample(&sampler, y);
        printf("%s", sample_labels[x[0]]);
        sample_step(&state, x, y);
    }
    return 0;
}
"""


def quantized(
    rule: SampleRule | None, entries: tuple[str, ...] = ENTRIES, case: Literal["keep", "fold"] = "keep"
) -> QuantizedNetwork:
    cells = [("embedding", {"entries": len(entries), "units": 6}), ("lstm", 8)]
    network = random_network(4, 1, cells, len(entries), 12, every_step=True)  # type: ignore[arg-type]
    vocabulary = Vocabulary("characters", entries, case=case)
    network = replace(network, task="next", labels=entries, decide=rule, vocabulary=vocabulary)
    return quantize(network, random_frames(network))


def test_without_a_rule_there_is_nothing_of_it() -> None:
    with_rule, without = render(quantized(RULE)), render(quantized(None))
    assert set(with_rule) - set(without) == {"ernn_sample_s16.c", "ernn_sample_s16.h"}
    assert "sampler" not in without["sample.h"] + without["sample.c"]
    assert all(with_rule[name] == text for name, text in without.items() if name not in ("sample.h", "sample.c"))


def drawn(model: QuantizedNetwork, prompt: list[int], count: int, seed: int) -> list[int]:
    """By the definitions: the integer reference over all tokens so far, and a token drawn of what it says last."""
    bits, state, read = words.fraction_bits(native(model)[-1].output.scale), sample.seeded(seed), list(prompt)
    for _ in range(count):
        x = np.array(read, np.float32)[None, :, None]
        outputs = reference.integer_outputs(model, reference.quantize_input(model, x))[0, -1]
        token, state = sample.draw(outputs, bits, RULE, state)
        read.append(token)
    return read[len(prompt) :]


def said(model: QuantizedNetwork, program: str, prompt: str, folder: Path) -> str:
    """What a program with the generated C prints, compiled strictly."""
    own = export(model.network, model, "step", "int8", folder)
    (folder / "main.c").write_text(program)
    files = [str(path) for path in (folder / "main.c", *own.glob("*.c"))]
    command = [*compiler.find().command, *STRICT, f"-I{own}", *files, "-o", str(folder / "main")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return subprocess.run([folder / "main", prompt], capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize("case", ["keep", "fold"])
def test_a_program_answers_up_to_the_end(case: Literal["keep", "fold"], tmp_path: Path) -> None:
    """The marks of parallel text are found by name, and no text has them."""
    entries = ("<unk>", "<to>", "<end>", "e", "<", "t", "o", ">")
    model = quantized(RULE, entries, case)
    ask = '    x[0] = sample_token("<to>", 4);\n    sample_step(&state, x, y);\n    for (int i'
    stop = '        if (x[0] == sample_token("<end>", 5)) {\n            break;\n        }\n        printf'
    program = MAIN.replace("    for (int i", ask).replace("        printf", stop)
    printed = said(model, program, "to<to>", tmp_path)
    wanted = [entries[token] for token in drawn(model, [5, 6, 4, 5, 6, 7, 1], 200, 3)]
    assert 0 < wanted.index("<end>") < 200
    assert printed == "".join(wanted[: wanted.index("<end>")])


def test_a_program_writes_what_the_definitions_say(tmp_path: Path) -> None:
    """Compiled strictly, as an example of the header's; capital letters are read and written as such."""
    model = quantized(RULE)
    prompt = "Aaé\n?"
    printed = said(model, MAIN, prompt, tmp_path)
    wanted = drawn(model, [ENTRIES.index(one) for one in prompt], 200, 3)
    assert printed == "".join(ENTRIES[token] for token in wanted)
    assert len({*printed}) > 4


def test_capital_letters_that_labels_do_not_tell_are_refused() -> None:
    model = quantized(RULE)
    network = replace(model.network, labels=tuple(f"class {i}" for i in range(len(ENTRIES))))
    with pytest.raises(ExportError, match="its labels are not its vocabulary"):
        render(replace(model, network=network))


@pytest.mark.parametrize(("case", "number"), [("keep", (4, 5)), ("fold", (5, 5))])
def test_capital_letters_are_told_apart_where_the_vocabulary_keeps_them(
    case: str, number: tuple[int, int], tmp_path: Path
) -> None:
    model = quantized(RULE)
    entries = ENTRIES if case == "keep" else tuple("b" if one == "A" else one for one in ENTRIES)
    vocabulary = Vocabulary("characters", entries, case=case)  # type: ignore[arg-type]
    network = replace(model.network, vocabulary=vocabulary, labels=entries)
    folder = export(network, replace(model, network=network), "step", "int8", tmp_path)
    compiler.shared_library(compiler.find(), sorted(folder.glob("*.c")), tmp_path / "sample.so", ("-std=c99",))
    token = ctypes.CDLL(str(tmp_path / "sample.so")).sample_token
    token.restype, token.argtypes = ctypes.c_int16, (ctypes.c_char_p, ctypes.c_size_t)
    assert (token(b"A", 1), token(b"a", 1)) == number
    assert token(b"Z", 1) == 0
    assert ("in any case" in (folder / "sample.h").read_text()) == (case == "fold")
