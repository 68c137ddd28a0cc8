"""Payments of a card in order of time, whatever the order in the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from edgernn.datasets import fraud
from edgernn.datasets.event_table import Texts
from edgernn.errors import InputError

HEADER = "id,card_id,datetime,amount,customer_present,fraud,lat,lng\n"


def test_payments_are_read_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "f.csv.gz"
    rows = "0,7,2019-01-03 12:00:00,95000,True,True,1,2\n1,8,2019-01-02 00:00:00,5,False,False,3,4\n"
    path.write_bytes(gzip.compress(f"{HEADER}{rows}2,7,2019-01-01 00:00:00,10,False,False,5,6\n".encode()))
    found = fraud.read(path)
    assert found.entities == ("7", "8")
    assert found.entity.tolist() == [0, 0, 1]
    assert found.time.tolist() == [0, 2.5, 1]
    np.testing.assert_allclose(found.values, [[0.01, 5, 6, 0], [95, 1, 2, 1], [0.005, 3, 4, 0]], rtol=1e-6)
    assert isinstance(found.answers, Texts)
    assert [found.answers.names[code] for code in found.answers.codes] == ["clean", "fraud", "clean"]


@pytest.mark.parametrize(
    "content", [b"not gzip", gzip.compress(b"a,b\n1,2\n", mtime=0), gzip.compress(HEADER.encode(), mtime=0)[:-9]]
)
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "f.csv.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"not the fraud dataset.*; delete it and fetch it again"):
        fraud.read(tmp_path / "f.csv.gz")
