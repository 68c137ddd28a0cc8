from __future__ import annotations

from edgernn.program import Builder, Op, State


def test_a_program_lists_its_ops_in_order_with_their_names_and_sizes() -> None:
    builder = Builder()
    x = builder.input(3)
    cell = builder.within("cell")
    h = cell.state("h", 2)
    total = cell.add(cell.matvec("w", x, 2, bias="b"), h)
    cell.next(h, cell.tanh(total, name="h_next"))
    program = builder.finish(builder.matvec("out", total, 1))
    assert program.ops == (
        Op("matvec", ("input",), "cell/matvec_0", weight="cell/w", bias="cell/b"),
        Op("add", ("cell/matvec_0", "cell/h"), "cell/add_1"),
        Op("tanh", ("cell/add_1",), "cell/h_next"),
        Op("matvec", ("cell/add_1",), "matvec_3", weight="out"),
    )
    assert program.states == (State("cell/h", "cell/h_next"),)
    assert program.sizes == {
        "input": 3,
        "cell/h": 2,
        "cell/matvec_0": 2,
        "cell/add_1": 2,
        "cell/h_next": 2,
        "matvec_3": 1,
    }


def test_the_body_is_what_the_states_need_and_the_head_is_the_rest() -> None:
    builder = Builder()
    h = builder.state("h", 2)
    x = builder.input(2)
    g = builder.tanh(x)
    unused = builder.sigmoid(x)
    nxt = builder.next(h, builder.add(g, h))
    program = builder.finish(builder.mul(nxt, unused))
    assert [op.primitive for op in program.body()] == ["tanh", "add"]
    assert [op.primitive for op in program.head()] == ["sigmoid", "mul"]


def test_split_cuts_without_gap() -> None:
    builder = Builder()
    parts = builder.split(builder.input(6), 3)
    assert [(op.start, builder.sizes[op.output]) for op in builder.ops] == [(0, 2), (2, 2), (4, 2)]
    assert len(parts) == 3
