"""Tables are built from columns, and print without breaking a figure."""

import re

import pytest

from qrec.analysis.table import Column, Table, build_table, plain, to_text

# Eleven columns of ten characters beside two of text: about 120 columns wide.
WIDE = Table(
    "wide",
    ["model", "backend", *(f"metric {i}" for i in range(9))],
    [
        [f"name{r}", "aer_noisy", *(f"{r + i / 8:.4f}±.{r}{i}" for i in range(9))]
        for r in range(1, 6)
    ],
    ["a note"],
    n_text=2,
)


def test_wide_table_continues_below_and_breaks_nothing():
    assert 115 <= max(map(len, to_text(WIDE, 200).splitlines())) <= 135
    text = to_text(WIDE, 80)
    assert max(map(len, text.splitlines())) <= 80
    words = text.split()
    for row in WIDE.rows:
        for figure in row[2:]:
            assert words.count(figure) == 1, "every figure stands once and unbroken"
    blocks = words.count("backend")
    assert blocks == 2
    assert words.count("name3") == words.count("model") == blocks, "each block names its rows"
    assert text.startswith("wide\n")
    assert text.count("a note") == text.count("wide") == 1


def test_lines_of_all_blocks_hold_the_columns_in_order():
    found = re.findall(r"metric \d", to_text(WIDE, 80))
    assert found == WIDE.columns[2:]


def test_table_that_fits_is_one_block():
    assert to_text(WIDE, 200).split().count("model") == 1


def test_text_gives_way_where_it_leaves_no_room_for_a_figure():
    name = "a name so long that nobody would want it in a table but somebody wrote it all the same"
    text = to_text(Table("t", ["name", "error"], [[name, "0.1234 ± 0.0012"]]), 60)
    assert "0.1234 ± 0.0012" in text
    assert max(map(len, text.splitlines())) <= 60
    assert set(name.split()) <= set(text.split()), "broken between words alone"


def test_figure_that_fills_the_console_loses_no_character():
    cell = "cx:20 " * 30
    text = to_text(Table("t", ["circuit", "gates"], [["swap_test", cell.strip()]]), 80)
    assert text.split().count("cx:20") == 30


def test_table_is_built_from_columns():
    columns = [
        Column("name", lambda row: row["name"], text=True),
        Column("share", lambda row: row["share"], "{:.2f}"),
        Column("rounded", lambda row: row["share"], lambda share: f"about {share:.0%}"),
    ]
    rows = [{"name": "a", "share": 0.251}, {"name": None, "share": float("nan")}]
    table = build_table("title", columns, rows, ["note"])
    assert table == Table(
        "title",
        ["name", "share", "rounded"],
        [["a", "0.25", "about 25%"], ["-", "-", "-"]],
        ["note"],
        n_text=1,
    )
    with pytest.raises(ValueError, match="text stand first"):
        build_table("title", columns[::-1], rows)


@pytest.mark.parametrize("cell", ["[bold]", "a\\[b", "[/]"])
def test_cells_are_no_markup(cell):
    text = to_text(Table(cell, [cell], [[cell]], [cell]))
    assert text.count(cell) == 4


def test_foreign_text_cannot_steer_the_terminal():
    evil = "\x1b[2Jgone\r\x07\u202e"
    text = to_text(Table(evil, [evil], [[evil]], [evil]))
    assert not set("\x1b\r\x07\u202e") & set(text)
    assert text.count(r"\x1b[2Jgone\r\x07\u202e") == 4
    assert plain("Järvelin ± 1\nnext") == "Järvelin ± 1\nnext"
