"""The turbofan file's form: the test engines, then the others under a header of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn.datasets import turbofan
from edgernn.errors import InputError

HEADER = "unit_nr;time_cycles;s_11;s_discretized;RUL\r\n"


def test_engines_are_read_and_those_of_the_first_part_held_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        f"{HEADER}10;1;4705;1;1\r\n10;2;4720;3;0\r\n{HEADER}2;1;4747;7;2\r\n2;2;4749;7;1\r\n2;3;4750;7;0\r\n"
    )
    found = turbofan.read(path)
    assert found.entities == ("2", "10")
    assert found.held_out == {"10"}
    assert found.entity.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(found.values, [[47.47, 1], [47.49, 2], [47.5, 3], [47.05, 1], [47.2, 2]], rtol=1e-6)
    assert np.asarray(found.answers).tolist() == [2, 1, 0, 1, 0]


@pytest.mark.parametrize("text", ["", HEADER, f"{HEADER}1;1;1;1;1\r\n", "a;b\r\n1;2\r\n"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="not the turbofan dataset; delete it and fetch it again"):
        turbofan.read(path)
