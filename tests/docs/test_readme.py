"""The README's commands print what stands there, word by word."""

import re

import pytest
import qiskit
from docs_pages import ROOT, blocks

TEXT = (ROOT / "README.md").read_text()
BLOCKS = list(blocks(TEXT))
FILES = {block.file: block.text for block in BLOCKS if block.file}
SHOWN = [block.text for block in BLOCKS if block.language == "console"]
PINNED = f"\nqiskit=={qiskit.__version__}\n" in (ROOT / "constraints.txt").read_text()


def check(stdout, expected):
    """Assert that the lines of `expected` stand in `stdout`, in order; `...` leaves some out."""
    rest = stdout.splitlines()
    for line in expected.splitlines():
        if line and line != "...":
            assert line in rest, f"{line!r} is not, or not here, in\n{stdout}"
            rest = rest[rest.index(line) + 1 :]


def test_there_is_one_output_for_each_question():
    assert len(SHOWN) == 4
    assert len(re.findall(r"^\*\*.*\?\*\*", TEXT, re.MULTILINE)) == 4


@pytest.mark.skipif(not PINNED, reason="the page shows what the pinned Qiskit's transpiler gives")
@pytest.mark.parametrize("shown", SHOWN, ids=lambda text: text.split()[2])
def test_a_question_is_answered_as_shown(shown, shell, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    command, _, expected = shown.partition("\n")
    done = shell(command.removeprefix("$ "))
    assert done.returncode == 0, done.stderr
    check(done.stdout, expected)


@pytest.mark.slow
def test_the_first_table_is_what_the_first_command_prints(shell):
    [table] = [block.text for block in BLOCKS if block.language == "text"]
    assert len(table.splitlines()) < 20
    experiment = re.search(r"&& qrec run (\w+)\n", TEXT)[1]
    done = shell(f"qrec run {experiment}")
    assert done.returncode == 0, done.stderr
    check(done.stdout, table)


def test_the_checker_sees_what_is_wrong():
    check("a\n b\nc\n", " b\n...\nc")
    for wrong in ("b", "c\na", "d"):
        with pytest.raises(AssertionError):
            check("a\n b\nc\n", wrong)
