"""The recipe's `data` section for running text, of which a network learns what comes next."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from edgernn.datasets.split_sections import SharesSection
from edgernn.network import Case, Task
from edgernn.section import NULL_IS_EMPTY, Section, Whole


class RunningTextSplitSection(SharesSection):
    """Of several texts whole ones are held out, so many that they are a share of all characters.

    They are drawn with a seed of its own: builds of one recipe with other seeds are held to the same test split. A
    single text is split in its order: first train, then validation, then test.
    """

    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0


class RunningTextData(Section):
    """Texts in windows of `steps` characters; after every character the next one is asked for.

    Windows follow each other without overlap. Of each split only so many are taken, at equal distances.
    """

    task: ClassVar[Task] = "next"

    source: str
    vocabulary: Annotated[Whole, Field(ge=2, le=32_767)] = (
        256  # the commonest characters of training; others: <unk>
    )
    case: Case = "keep"  # `fold`: capital letters of ASCII are read as small ones
    steps: Annotated[Whole, Field(gt=1, le=10_000)] = 256  # characters
    train_windows: Annotated[Whole, Field(gt=0)] | None = None  # default: all
    validation_windows: Annotated[Whole, Field(gt=0)] = 64
    test_windows: Annotated[Whole, Field(gt=0)] = 64
    split: Annotated[RunningTextSplitSection, NULL_IS_EMPTY] = RunningTextSplitSection()


class FileRunningText(RunningTextData):
    """The user's own text: a plain text file, or a folder whose `*.txt` files are a text each."""

    source: Literal["running_text"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder


class CatalogRunningText(RunningTextData):
    """Texts of the catalog, by name."""
