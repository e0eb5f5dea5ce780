"""What all commands have in common: options, help, exit codes, errors, pipes, completion."""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ctrl_c
import rnndyn as rd
from rnndyn.cli import _main, main
from rnndyn.cli._exit_codes import MEANINGS, ExitCode
from rnndyn.cli._main import build_parser

PROGRAM = [sys.executable, "-W", "error", "-m", "rnndyn"]
DOCS = Path(__file__).parent.parent.parent / "docs" / "reference" / "command-line.md"
PLANE = ("--x", "h[0]=0:1:3", "--y", "A[0,0]=0:1:3")
#: Commands that take long.
LONG = (
    "cycles",
    "demo",
    "lyapunov",
    "manifolds",
    "regions",
    "report",
    "slow-points",
    "sweep",
    "timeline",
)


def commands():
    (action,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return action.choices


COMMANDS = commands()


@pytest.fixture
def tent_file(tmp_path, tent):
    path = tmp_path / "tent.npz"
    rd.save_model(tent, path)
    return str(path)


def run(*arguments, **options):
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options
    )


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_fits_a_terminal_and_its_examples_are_right(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parser = build_parser() if name is None else COMMANDS[name]
    text = parser.format_help()
    # An example that is cut off cannot be copied.
    assert max(len(line) for line in text.splitlines() if not line.startswith("  rnndyn ")) <= 88
    examples = re.findall(r"^  (rnndyn [^\\\n]*(?:\\\n.*)?)$", text.partition("examples:")[2], re.M)
    assert examples
    for example in examples:
        # What follows a pipe, a redirection or several blanks is no argument.
        command = shlex.split(re.split(r" \| | > |   ", example.replace("\\\n     ", ""))[0])
        assert command[0] == "rnndyn"
        if name is not None:
            assert command[1] == name
        build_parser().parse_args(command[1:])


def test_an_option_of_one_name_is_the_same_option_everywhere():
    seen = {}
    for name, parser in COMMANDS.items():
        for action in parser._actions:
            for option in action.option_strings:
                kind = (action.dest, action.type, action.metavar, tuple(action.option_strings))
                assert seen.setdefault(option, kind) == kind, (name, option)
    for name in LONG:
        options = COMMANDS[name]._option_string_actions
        assert {"--seed", "--threads", "--time-limit", "--quiet", "-q", "--json"} <= set(options)
    drawing = ("cycles", "lyapunov", "manifolds", "regions", "slow-points", "sweep", "timeline")
    for name in drawing:
        assert {"--plot", "--output", "-o"} <= set(COMMANDS[name]._option_string_actions)
    assert {name for name in COMMANDS if "--json" not in COMMANDS[name]._option_string_actions} == {
        "completion"
    }


def test_exit_codes_are_those_of_the_help_and_the_docs():
    assert MEANINGS.keys() == set(ExitCode)
    text = build_parser().format_help()
    table = DOCS.read_text("utf-8")
    for code, meaning in MEANINGS.items():
        assert f"  {code:<4} {meaning}" in text
        assert f"| {code} | {meaning} |" in table
    for name in COMMANDS:
        assert f"`rnndyn {name}`" in table


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (TypeError("inputs must be\nnumbers"), 2, "inputs must be numbers"),
        (NotImplementedError("not yet"), 2, "not yet"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (PermissionError(13, "Permission denied", "x.npz"), 2, "x.npz: Permission denied"),
        (MemoryError(), 3, "out of memory"),
        (MemoryError("no 8 GiB"), 3, "out of memory: no 8 GiB"),
        (RuntimeError("broken"), 3, "RuntimeError: broken (this is a fault of rnndyn; python -X "),
        (KeyError("x"), 3, "KeyError: 'x' (this is"),
    ],
)
def test_errors_of_every_kind_are_one_sentence(
    error, code, message, monkeypatch, capsys, tent_file
):
    def failing(*arguments, **options):
        raise error

    monkeypatch.setattr("rnndyn.cli._cycles.find_cycles", failing)
    assert main(["cycles", tent_file, "--max-order", "1"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"rnndyn: error: {message}")
    assert captured.err.count("\n") == 1


@pytest.mark.programs
def test_in_development_mode_a_fault_shows_where(tent_file):
    code = (
        "import rnndyn.cli._cycles as c\n"
        "def failing(*a, **k): raise RuntimeError('broken')\n"
        "c.find_cycles = failing\n"
        f"from rnndyn.cli import main; main(['cycles', {tent_file!r}, '--max-order', '1'])"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert "Traceback" in done.stderr
    assert "RuntimeError: broken" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cycles", "{folder}", "--max-order", "1"], "{folder}"),
        (["cycles", "{tent}", "--max-order", "1", "-o", "{folder}"], "it is a folder"),
        (["cycles", "{tent}", "--max-order", "1", "-o", "cycles.csv"], "one of .npz, .json, .nc"),
        (["cycles", "{tent}", "--max-order", "1", "-o", "cycles"], "one of .npz, .json, .nc"),
        (["lyapunov", "{tent}", "--inputs", "{folder}"], "{folder}"),
        (["lyapunov", "{tent}", "--inputs", "{tent}"], "cannot be read as inputs"),
        (["report", "{tent}", "-o", "page.pdf"], "must end in .html"),
        (["verify", "{tent}", "{tent}"], "cannot be read as a certificate"),
        (["verify", "{folder}", "{tent}"], "{folder}"),
        (["convert", "{tent}", "out.mat"], "one of .npz, .json"),
        (["timeline", "{tent}"], "{tent}"),
        (["sweep", "{tent}", "--x", "B[0]=0:1:3"], "B[0]"),
        (["cite", "{folder}"], "{folder}"),
        (["cite", "missing.npz"], "missing.npz"),
        (["cite", "{tent}", "--json", "--bibtex"], "exclude each other"),
    ],
)
def test_wrong_files_are_one_sentence(arguments, message, tent_file, tmp_path, capsys):
    names = {"tent": tent_file, "folder": str(tmp_path)}
    assert main([argument.format(**names) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnndyn: error: ")
    assert message.format(**names) in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.programs
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_a_reader_that_is_gone_is_none():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "cite"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr == "rnndyn: error: No space left on device\n"
    for arguments, code in ((["cite"], ExitCode.BROKEN_PIPE), (["cycles", "--help"], None)):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [*PROGRAM, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
        )
        os.close(writer)
        # What argparse prints may end in either way, but without a word.
        assert code is None or done.returncode == code
        assert done.stderr == ""


@pytest.mark.programs
def test_ctrl_c_shows_and_saves_what_was_found(tmp_path):
    path = tmp_path / "cycles.npz"
    # Orders that nothing short of an interrupt ends; it comes as soon as the search has begun.
    program = (
        "import sys\n"
        "import rnndyn.cli._cycles as c\n"
        "from rnndyn.cli import main\n"
        f"sys.path.insert(0, {str(Path(ctrl_c.__file__).parent)!r})\n"
        "from ctrl_c import CtrlC\n"
        "meter = CtrlC(lambda state: state.n_cycles > 3)\n"
        "own = c.find_cycles\n"
        "c.find_cycles = lambda *a, **k: own(*a, **{**k, 'progress': meter})\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    arguments = "cycles example:plrnn-10d --orders 1,10-200 --threads 1 --max-restarts 1000000 -o"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments.split(), str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == ExitCode.INTERRUPTED, done.stderr
    assert "INCOMPLETE" in done.stdout
    assert len(rd.CycleSet.load(path)) > 3
    assert done.stderr == ""


def test_ctrl_c_while_a_file_is_read_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("rnndyn.cli._cite.load_network", ctrl_c.press)
    assert main(["cite", "example:plrnn-10d"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "rnndyn: interrupted\n"


def test_results_are_written_by_suffix(tent_file, tent, tmp_path, capsys):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    for suffix in ("npz", "json", "nc"):
        path = tmp_path / f"cycles.{suffix}"
        assert main(["cycles", tent_file, "--max-order", "2", "-q", "--json", "-o", str(path)]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[0])
    written = json.loads((tmp_path / "cycles.json").read_text())
    assert printed["cycles"] == written["cycles"]
    assert printed.keys() == written.keys()
    assert rd.load_result(tmp_path / "cycles.npz") == rd.find_cycles(tent, max_order=2)
    with xarray.open_dataset(tmp_path / "cycles.nc", engine="h5netcdf") as dataset:
        assert dataset["order"].values.tolist() == [1, 1, 2]


def test_cite_knows_results_and_networks(tent_file, tent, tmp_path, capsys):
    path = tmp_path / "cycles.npz"
    cycles = rd.find_cycles(tent, max_order=2)
    cycles.save(path)
    assert main(["cite", str(path)]) == 0
    assert capsys.readouterr().out == rd.cite(cycles).text + "\n"
    assert main(["cite", tent_file, "--bibtex"]) == 0
    assert capsys.readouterr().out == rd.cite(tent).bibtex + "\n"
    assert main(["cite", "example:alrnn_2d_p1_2", str(path), "--json"]) == 0
    keys = [entry["key"] for entry in json.loads(capsys.readouterr().out)["references"]]
    assert {"rnndyn", "brenner2024almost", "durstewitz2017state"} <= set(keys)
    assert main(["cite"]) == 0
    assert capsys.readouterr().out == rd.cite().text + "\n"


def test_demo_as_json(capsys, monkeypatch, tmp_path):
    names = ["plrnn_2d_1", "alrnn_2d_p1_2"]
    monkeypatch.setattr("rnndyn.examples.names", lambda: names)
    picture = tmp_path / "demo.svg"
    assert main(["demo", "--json", "--plot", str(picture), "--threads", "1"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [network["name"] for network in result["networks"]] == names
    for network in result["networks"]:
        assert network["n_at_known_order"] == network["n_published"]
        assert network["search"]["n_threads"] == 1


# Completion ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    pytest.importorskip("shtab")
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        done = run("completion", shell)
        assert done.returncode == 0, done.stderr
        (folder / shell).write_text(done.stdout)
    return folder


BASH = """
cd "$1"; source "$2"; shift 2
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
$(complete -p rnndyn | sed 's/.*-F \\([^ ]*\\).*/\\1/') rnndyn "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(scripts, folder, *words):
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "_", str(folder), str(scripts / "bash"), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [line.strip() for line in done.stdout.splitlines()]


@pytest.mark.programs
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_options_choices_and_files(scripts, tmp_path):
    (tmp_path / "network.npz").touch()
    assert set(COMMANDS) <= set(completed(scripts, tmp_path, "rnndyn", ""))
    assert completed(scripts, tmp_path, "rnndyn", "cyc") == ["cycles"]
    options = completed(scripts, tmp_path, "rnndyn", "cycles", "--max-")
    assert set(options) == {"--max-order", "--max-restarts", "--max-iterations"}
    methods = completed(scripts, tmp_path, "rnndyn", "cycles", "--method", "")
    assert {"auto", "complete", "search"} <= set(methods)
    assert completed(scripts, tmp_path, "rnndyn", "cycles", "net") == ["network.npz"]
    assert completed(scripts, tmp_path, "rnndyn", "cite", "net") == ["network.npz"]


@pytest.mark.programs
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_are_read(shell, scripts):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    subprocess.run([shell, "-n", str(scripts / shell)], check=True, timeout=60)
    text = (scripts / shell).read_text()
    assert all(name in text for name in COMMANDS)


def test_every_command_is_described():
    assert {parser.prog.split()[-1] for parser in COMMANDS.values()} == set(COMMANDS)
    assert len(_main._COMMANDS) == len(COMMANDS)


# In a terminal ------------------------------------------------------------------------------------


def screen(text):
    """Return the lines that a terminal shows after this text."""
    lines = []
    for line in text.split("\n"):
        cells, column = [], 0
        for character in line:
            if character == "\r":
                column = 0
                continue
            cells[column : column + 1] = [character]
            column += 1
        lines.append("".join(cells).rstrip())
    return lines


@pytest.mark.programs
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals here")
def test_the_bar_disappears_and_ctrl_c_in_a_terminal_shows_what_was_found():
    pytest.importorskip("tqdm")
    import fcntl
    import struct
    import termios

    main_end, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    # Else the terminal itself writes ^C into the bar.
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    arguments = "cycles example:plrnn-10d --orders 10-40 --method search --max-restarts 10000000"
    process = subprocess.Popen(
        [*PROGRAM, *arguments.split()],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        # Its own session, with this terminal, so that Ctrl-C reaches it and nobody else.
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    output = b""
    pressed = False
    while True:
        try:
            part = os.read(main_end, 65536)
        except OSError:
            break
        if not part:
            break
        output += part
        if not pressed and b"%|" in output:
            os.write(main_end, b"\x03")
            pressed = True
    os.close(main_end)
    assert process.wait(timeout=60) == ExitCode.INTERRUPTED
    assert pressed
    shown = screen(output.decode())
    assert not any("%|" in line for line in shown), output
    assert any(line.startswith("INCOMPLETE: interrupted after") for line in shown)
    assert not any("Traceback" in line for line in shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_not_abbreviated(name, capsys):
    """``--order 10`` would be taken for ``--orders 10``."""
    parser = COMMANDS[name]
    assert not parser.allow_abbrev
    for option in parser._option_string_actions:
        if option.startswith("--") and option[:-1] not in parser._option_string_actions:
            with pytest.raises(SystemExit):
                build_parser().parse_args([name, option[:-1]])
    capsys.readouterr()


def test_an_order_is_no_list_of_orders(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["cycles", "example:plrnn-10d", "--max-order", "2", "--order", "10"])
    assert stopped.value.code == 2
    assert "unrecognized arguments: --order 10" in capsys.readouterr().err


IMPORT = """
import sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise {error}
sys.meta_path.insert(0, Stop())
from rnndyn.cli import main
sys.exit(main(["demo"]))
"""


@pytest.mark.parametrize(
    ("module", "error"),
    [
        ("argparse", "KeyboardInterrupt"),
        ("numpy", "KeyboardInterrupt"),
        ("rnndyn.cycles.search", "KeyboardInterrupt"),
        ("rnndyn._core._core", "ImportError('initialization failed') from KeyboardInterrupt()"),
    ],
)
def test_ctrl_c_while_the_program_starts_leaves_no_traceback(module, error):
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(error=error), module],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "rnndyn: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "rnndyn: error: the following arguments are required: COMMAND; see rnndyn --help"),
        (
            ["cycles", "m.npz", "--max-order", "4", "--keep", "3"],
            "rnndyn cycles: error: unrecognized arguments: --keep 3; see rnndyn cycles --help",
        ),
        (["cycles"], "rnndyn cycles: error: "),
        (["cycles", "m.npz"], "one of the arguments --max-order --orders is required"),
        (["cycles", "m.npz", "--max-order", "x"], "argument --max-order: invalid int value: 'x'"),
        (["regions", "m.npz", "--start", "u.csv"], "argument --start: a box is written like 10"),
    ],
)
def test_wrong_arguments_are_answered_in_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert error.endswith(" --help\n")


def test_inputs_in_another_format_say_how_they_are_written(tmp_path, capsys):
    (tmp_path / "u.csv").write_text("1,2\n")
    rd.save_model(rd.examples.tent_map(), tmp_path / "tent.npz")
    wrong = ["--max-order", "1", "--inputs", str(tmp_path / "u.csv")]
    assert main(["cycles", str(tmp_path / "tent.npz"), *wrong]) == 2
    assert "numpy.save" in capsys.readouterr().err


def test_cycles_are_verified_by_their_certificate(tmp_path, capsys):
    tent = rd.examples.tent_map()
    rd.save_model(tent, tmp_path / "tent.npz")
    rd.find_cycles(tent, 2, method="complete", keep_tree=True).save(tmp_path / "proved.npz")
    rd.find_cycles(tent, 2, method="exhaustive").save(tmp_path / "listed.npz")
    proved, listed, model = (str(tmp_path / f"{n}.npz") for n in ("proved", "listed", "tent"))
    assert main(["verify", proved, model]) == 0
    assert "Confirmed" in capsys.readouterr().out
    assert main(["verify", listed, model]) == 2
    assert "holds cycles without a certificate: search with --method" in capsys.readouterr().err
