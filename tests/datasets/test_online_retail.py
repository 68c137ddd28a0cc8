"""Orders as baskets: rows that are no items are left out, by the rules that the module states."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from edgernn.datasets import online_retail
from edgernn.errors import InputError

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
ROWS = """\
489434,85048,LIGHTS,12,12/1/2009 7:45,6.95,13085.0,United Kingdom
489434,79323p,"LIGHTS, PINK",1,12/1/2009 7:45,6.75,13085.0,United Kingdom
489434,POST,POSTAGE,1,12/1/2009 7:45,18,13085.0,United Kingdom
489434,22041,FRAME,-1,12/1/2009 7:45,2.1,13085.0,United Kingdom
C489435,22041,FRAME,1,12/1/2009 7:46,2.1,13085.0,United Kingdom
489436,22041,FRAME,1,12/1/2009 7:46,2.1,,United Kingdom
489437,47503J ,BOX,2,12/2/2009 19:45,2.1,13086.0,United Kingdom
489434,22041,FRAME,1,12/1/2009 7:45,2.1,13085.0,United Kingdom
489437,gift_0001_20,VOUCHER,2,12/2/2009 19:45,2.1,13086.0,United Kingdom
"""


def test_baskets_are_orders_of_customers_with_items_alone(tmp_path: Path) -> None:
    path = tmp_path / "o.csv.xz"
    path.write_bytes(lzma.compress((HEADER + ROWS).encode()))
    found = online_retail.read(path)
    assert [(one.name, one.items) for one in found] == [
        ("489434", ("85048", "79323P", "22041")),
        ("489437", ("47503J",)),
    ]
    assert [one.time for one in found] == pytest.approx([7.75 / 24, 1 + 19.75 / 24])
    assert found[1].place == f"{path}, row 8"


@pytest.mark.parametrize(
    "content",
    [
        b"no xz",
        lzma.compress(b""),
        lzma.compress(b"a,b\n1,2\n"),
        lzma.compress(HEADER.encode() * 99)[:-30],
        lzma.compress((HEADER + "1,12345,x,many,12/1/2009 7:45,1,2,UK\n").encode()),
        lzma.compress((HEADER + "1,12345,x,1,2009-12-01,1,2,UK\n").encode()),
        lzma.compress((HEADER + "1\n").encode()),
    ],
)
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "o.csv.xz").write_bytes(content)
    with pytest.raises(InputError, match=r"not the dataset online_retail.*; delete it and fetch it again"):
        online_retail.read(tmp_path / "o.csv.xz")
