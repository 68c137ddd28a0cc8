"""The recipe's `data` section for parallel text: a text, and what it becomes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from edgernn.datasets.split_sections import SharesSection
from edgernn.network import Case, Task, Tokens
from edgernn.section import NULL_IS_EMPTY, Section, Whole

Column = Annotated[str, Field(min_length=1)]


class ParallelTextSplitSection(SharesSection):
    """Shares of the texts that differ: pairs with the same text are in one split, whatever it becomes in each.

    The draw has a seed of its own: builds of one recipe with other seeds are held to the same test split.
    """

    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0


class ParallelTextData(Section):
    """A text, `<to>`, what it becomes and `<end>`, in a row; after each token from `<to>` on the next is asked for.

    What a text becomes is a translation, a transliteration, a pronunciation: one text that is read to its end.
    """

    task: ClassVar[Task] = "next"

    source: str
    tokens: Tokens = "characters"  # words are without what stands between them: `!` and `?` alone are written
    # the commonest tokens of the training pairs, of both sides together, with `<unk>`, `<to>` and `<end>`
    vocabulary: Annotated[Whole, Field(ge=4, le=32_767)] = 256
    case: Case = "keep"  # `fold`: capital letters of ASCII are read as small ones
    steps: Annotated[Whole, Field(ge=3, le=10_000)] = 128  # tokens of a pair with its `<to>`
    long: Literal["refuse", "skip"] = "refuse"  # what happens to a pair that has more
    split: Annotated[ParallelTextSplitSection, NULL_IS_EMPTY] = ParallelTextSplitSection()


class FileParallelText(ParallelTextData):
    """The user's own pairs: a CSV file with a header, or JSON lines where the file's name ends so."""

    source: Literal["parallel_text"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    text: Column  # a column or a key
    becomes: Column

    @model_validator(mode="after")
    def _distinct(self) -> FileParallelText:
        if self.text == self.becomes:
            raise ValueError(f"has {self.text} as text and as becomes; each is a column of its own")
        return self


class CatalogParallelText(ParallelTextData):
    """Pairs of the catalog, by name."""

    long: Literal["refuse", "skip"] = "skip"
