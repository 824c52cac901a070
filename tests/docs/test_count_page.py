"""The commands of docs/how-to/count.md give what stands there."""

import pytest
import qiskit
from docs_pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "count.md"


SHOWN = f"Qiskit {qiskit.__version__}." in PAGE.read_text()


@pytest.mark.skipif(not SHOWN, reason="the page shows what another Qiskit's transpiler gives")
def test_the_table_is_what_the_command_prints(shell):
    [block] = [b for b in blocks(PAGE.read_text()) if b.language == "console"]
    command, _, expected = block.text.partition("\n")
    done = shell(command.removeprefix("$ "))
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip("\n") == expected.rstrip("\n")


def test_the_other_commands_leave_their_files(shell, tmp_path):
    [block] = [b for b in blocks(PAGE.read_text()) if b.language == "sh"]
    done = shell(block.text)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "costs.tex").read_text().rstrip().endswith("\\end{document}")
    assert (tmp_path / "growth.svg").is_file()
    assert (tmp_path / "growth.png").is_file()
