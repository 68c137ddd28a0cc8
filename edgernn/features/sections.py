"""The recipe's `features` section: what happens to measured values before the network sees them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgernn.features.log_mel import LogMel
from edgernn.section import Number, Section, Whole


class LogMelSection(Section):
    """Log-mel energies of audio, by frame; see `edgernn.features.log_mel`."""

    rate_hz: Annotated[Whole, Field(ge=4000, le=48_000)] = 16_000  # recordings of another rate are resampled
    frame: Annotated[Whole, Field(gt=1)] = 400  # samples that one frame reads
    hop: Annotated[Whole, Field(gt=0)] = 160  # samples between the starts of frames
    fft: Annotated[Whole, Field(gt=0)] = 512
    mels: Annotated[Whole, Field(gt=0, le=256)] = 40  # bands, the channels of the network
    low_hz: Annotated[Number, Field(ge=0)] = 20.0
    high_hz: Annotated[Number, Field(gt=0)] = 7600.0

    @model_validator(mode="after")
    def _possible(self) -> LogMelSection:
        try:
            self.extractor()
        except ValueError as error:
            raise ValueError(f"has {error}") from None
        return self

    def extractor(self) -> LogMel:
        """What computes the features."""
        return LogMel(**self.model_dump())


class FeaturesSection(Section):
    """What happens to a frame before the network sees it."""

    log_mel: LogMelSection | None = None  # of audio: what a frame is
    normalize: Literal["standard", "none"] = "standard"  # (x - mean) / std by channel, of the training windows
