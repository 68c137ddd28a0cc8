"""Which artifact runs on which engine, on which device: the rows of verify, benchmark and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgernn.engines import ENGINES, engine
from edgernn.errors import MissingToolError
from edgernn.network import Form, Precision
from edgernn.targets import Combination, artifact_name

FORMS: tuple[Form, ...] = ("sequence", "step")


@dataclass(frozen=True)
class Case:
    """One artifact, in one form, on one engine; `skip` says why it cannot run, empty when it can."""

    artifact: str
    path: Path
    form: Form
    precision: Precision
    engine: str
    engine_version: str
    skip: str
    device: str = "host"

    @property
    def key(self) -> str:
        """A name for files: the artifact's, the form's and the engine's."""
        return f"{self.artifact.replace('/', '-')}.{self.form}.{self.engine}"

    @property
    def device_steps(self) -> bool:
        """Whether it is the int8 C, step by step, and runs here: what a device will do."""
        return (self.engine, self.form, self.precision) == ("c", "step", "int8") and not self.skip


def cases(combinations: Sequence[Combination], chosen: str | Sequence[str], folder: Path) -> list[Case]:
    """Every artifact on every engine that reads its target; `chosen` are the recipe's engines, or `all`.

    A C folder that has a step form serves both.
    """
    return [
        _case(combination, form, name, chosen, folder)
        for combination in combinations
        for form in (FORMS if combination[:2] == ("c", "step") else (combination.form,))
        for name in ENGINES
        if combination.target == engine(name).TARGET
    ]


def _case(combination: Combination, form: Form, name: str, chosen: str | Sequence[str], folder: Path) -> Case:
    artifact = artifact_name(combination)
    skip = engine(name).refusal(form, combination.precision)
    if chosen != "all" and name not in chosen:
        skip = f"verify.engines does not name {name}; add it to the recipe"
    try:
        version = engine(name).version()
    except MissingToolError as error:
        version, skip = "", str(error)
    return Case(artifact, folder / artifact, form, combination.precision, name, version, skip)
