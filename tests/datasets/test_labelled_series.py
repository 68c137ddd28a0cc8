"""The form of the files with labelled series, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn.datasets import labelled_series
from edgernn.errors import InputError

HEADER = "timestamp,value-0,is_anomaly\n"


def test_the_recording_with_anomalies_is_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "e.csv"
    path.write_text(f"{HEADER}0,0.5,0\n1,1.5,1\n{HEADER}0,7,0.0\n1,8,0.0\n2,9,0.0\n")
    monkeypatch.setattr(labelled_series, "fetch", lambda entry: path)
    found = labelled_series.ecg(None, tmp_path)  # type: ignore[arg-type]
    assert (found.channels, found.test_from, found.values.dtype) == (("ecg",), 3, np.float32)
    assert found.values[:, 0].tolist() == [7, 8, 9, 0.5, 1.5]
    assert found.anomaly is not None
    assert found.anomaly.tolist() == [False, False, False, False, True]


def test_the_test_of_blood_pressure_begins_after_its_normal_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("timestamp,value,is_anomaly\n" + "".join(f"{i},{i},{int(i == 1300)}\n" for i in range(1400)))
    monkeypatch.setattr(labelled_series, "fetch", lambda entry: path)
    found = labelled_series.blood_pressure(None, tmp_path)  # type: ignore[arg-type]
    assert (found.channels, found.test_from, len(found.values)) == (("pressure",), 1200, 1400)
    assert found.anomaly is not None
    assert np.flatnonzero(found.anomaly).tolist() == [1300]


@pytest.mark.parametrize("text", ["", "0,1,0\n", HEADER, f"{HEADER}0,1,0\n", f"{HEADER}0,1,0\n{HEADER}", "a,b\n"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="not a series with labels; delete it and fetch it again"):
        labelled_series.read(path, 2)
