"""Every command on a page is run, or listed here with who runs it; a new one is found missing.

What computes for minutes is run as its dry run, which refuses what the run itself refuses, on
synthetic ratings; what a QPU answers is priced on a snapshot. That the packaged experiments find
what pages say is held by the tests of experiments and results.
"""

import re
import shlex
import shutil
import sys

import pytest
import typer
import yaml
from docs_pages import PAGES, ROOT, blocks

from qrec.cli import app, main

# Commands that other tests run: what is in them -> those tests.
ELSEWHERE = {
    r"my_circuits:ladder|(mine|model|data|metric|device|kind|packaged)\.yaml|-b statevector":
        "tests/docs/test_extending.py",
    r"--form markdown|> costs\.tex|--plot growth": "tests/docs/test_count_page.py",
    r"count gate_tables": "tests/cli/test_cli.py",
    r"count kp_resources": "tests/analysis/test_kp_resources.py",  # half a minute
    r"-b braket_local": "tests/backends/test_braket.py",  # an extra that few have
    r"data fetch": "tests/data/test_files.py",  # a download
    r"doctor -b ibm|list devices": "tests/service/test_account.py",  # an account
    r"attach RUN JOB_ID": "tests/service/test_answers.py",
    r"cancel (--job|latest|RUN)": "tests/service/test_cancelling.py",
    r"submit --(resume|again)": "tests/service/test_rounds.py",
    r"experiments/outside/surprise": "tests/door/test_surprise.py",  # an extra
    r"tune --resume|studies/ID": "tests/runner/test_tune.py",
    r"run --resume": "tests/cli/test_cli.py",  # a run that was stopped
    r"fetch \[RUN\]": "tests/service/test_rounds.py",  # a run that was submitted
    r"qrec schema": "tests/cli/test_schema.py",
    r"--begin|qrec work": "tests/cli/test_work_verb.py",
    r"qrec import": "tests/runner/test_archive.py",
}  # fmt: skip
WORDS = {"EXP": "small.yaml", "EXPERIMENT": "small.yaml", "FILE": "small.yaml",
         "CIRCUIT": "swap_test", "RUN": "latest",
         "RUN...": "latest", "EXACT_RUN": "latest", "QPU_RUN": "latest", "KIND": "circuits",
         "NAME": "aer_ideal", "[RUN]": "latest"}  # fmt: skip
SMALL = "{name: synthetic, n_users: 60, n_items: 80, n_ratings: 1500}"
SMALLER = {
    "hardware": [f"experiments.recommenders.dataset={SMALL}", "experiments.recommenders.n_pairs=5"],
    "noise_impact": [f"dataset={SMALL}", "n_pairs=5", "devices=[]"],
}
ALONE = {"status", "fetch"}  # verbs that are a command without more words


def commands():
    """Return the commands of all pages, each once."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for block in blocks(text):
            if block.language in ("sh", "console"):
                lines = [line.removeprefix("$ ") for line in block.text.splitlines()]
                found += [part.strip() for line in lines for part in line.split("&&")]
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        found += re.findall(r"`(qrec [a-z][^`]*)`", prose)
    found = [" ".join(command.split()) for command in found]
    return list(dict.fromkeys(command for command in found if command.startswith("qrec ")))


def elsewhere(command):
    return [test for pattern, test in ELSEWHERE.items() if re.search(pattern, command)]


def names_a_verb(command):
    """Return whether this is a verb alone, as in a sentence about it."""
    words = command.split()
    return len(words) == 2 and words[1] not in ALONE


def is_form(command):
    """Return whether this says what options there are."""
    return "[-" in command


HERE = [
    one for one in commands() if not (elsewhere(one) or names_a_verb(one) or is_form(one))
]  # fmt: skip


def stand_in(command):
    """Return the arguments of what is run in a command's place."""
    words = [WORDS.get(word, word) for word in shlex.split(command)[1:]]
    words = [re.sub("=ml-100k$", "=synthetic", word) for word in words]
    verb, what = words[0], words[1] if len(words) > 1 else ""
    if verb in ("run", "tune", "submit"):
        words = [word for word in words if word not in ("--follow", "--json", "--dry-run")]
        words.append("--dry-run")
    if verb == "submit" and "--target" not in words:
        words += ["--target", "fake:FakeTorino"]
    if verb == "new":
        words[2] = "mine"
    for change in SMALLER.get(what, []) if verb == "submit" else []:
        words += ["--set", change]
    return words


RUN = {" ".join(stand_in(command)): command for command in HERE}  # what stands for several, once


@pytest.mark.parametrize("command", RUN.values())
def test_command_runs(command, small_run, small_experiment, runs_dir, tmp_path, monkeypatch,
                      capsys):  # fmt: skip
    if command.startswith("qrec tune"):
        pytest.importorskip("optuna")
    shutil.copytree(small_run.folder.path, runs_dir / small_run.id)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small_experiment))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr(sys, "argv", ["qrec", *stand_in(command)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("form", [command for command in commands() if is_form(command)])
def test_options_of_a_form_are_there(form):
    verb = form.split()[1]
    known = {name for p in typer.main.get_command(app).commands[verb].params for name in p.opts}
    assert set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", form)) <= known


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_what_runs_elsewhere_is_there(test):
    assert (ROOT / test).is_file()


def test_nothing_is_listed_that_no_page_has():
    unused = [p for p in ELSEWHERE if not any(re.search(p, one) for one in commands())]
    assert unused == []
    assert len(HERE) > 30
