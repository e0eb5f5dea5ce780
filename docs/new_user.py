"""What a new user does first, from a wheel and in a fresh environment, written down as it happened.

    python docs/new_user.py WHEEL [-o docs/new-user.md]

Every command is run by a shell; one that ends with another exit code than expected ends the
program. The files of other programs are written by the Python that runs this script, which needs
the extra test; the fresh environment has nothing but the wheel and what is installed on the page.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_INTRODUCTION = """\
# A new user's path

Made by `docs/new_user.py`, which runs these commands in a fresh environment from the built wheel;
checks of every change run them again. Times and numbers of restarts are those of one machine.
"""

#: Titles, commands, and exit codes that are expected.
_STEPS = (
    (
        "Install",
        "The wheel needs NumPy only.",
        [("python3 -m venv env", 0), ("env/bin/pip install -q {wheel}", 0)],
    ),
    (
        "Look at it",
        "Without any other package.",
        [
            ("env/bin/rnndyn --version", 0),
            ("env/bin/rnndyn cycles example:plrnn-10d --max-order 10", 0),
            ("env/bin/rnndyn lyapunov example:plrnn-2d-16 --steps 5000", 0),
        ],
    ),
    (
        "What is missing says so",
        "A figure needs matplotlib, a page plotly, a netCDF file xarray.",
        [
            ("env/bin/rnndyn cycles example:plrnn-2d-16 --max-order 2 --plot cycles.png", 2),
            ("env/bin/rnndyn report example:plrnn-2d-16 -o report.html", 2),
            ("env/bin/rnndyn cycles example:plrnn-2d-16 --max-order 2 -o cycles.nc", 2),
            ("env/bin/rnndyn convert mat73.mat network.npz", 2),
        ],
    ),
    (
        "Install the rest",
        "Everything but torch and data to train on.",
        [("env/bin/pip install -q '{wheel}[all]'", 0)],
    ),
    (
        "The demonstration",
        "The bundled networks, and a picture of their cycles.",
        [("env/bin/rnndyn demo --plot demo.png", 0), ("ls demo.png", 0)],
    ),
    (
        "Load a file",
        "One network in the files of several programs; what was guessed is printed.",
        [
            *((f"env/bin/rnndyn convert {name} network.npz", 0) for name in (
                "numpy.npz", "mat5.mat", "mat73.mat", "torch.pt", "network.safetensors",
                "flux.bson", "network.jld2",
            )),
            ("env/bin/rnndyn convert network.npz network.json", 0),
            ("env/bin/rnndyn cycles network.json --max-order 4", 0),
        ],
    ),
    (
        "Draw, save, prove, report",
        "",
        [
            ("env/bin/rnndyn cycles example:plrnn-10d --max-order 10 --plot cycles.png -o c.npz"
             " -q | head -1", 0),
            ("env/bin/rnndyn cycles example:plrnn-10d --max-order 3 --method complete --certificate"
             " proof.npz -q", 0),
            ("env/bin/rnndyn verify proof.npz example:plrnn-10d", 0),
            ("env/bin/rnndyn report example:plrnn-10d -o report.html", 0),
            ("ls cycles.png c.npz proof.npz report.html", 0),
        ],
    ),
    (
        "In Python",
        "",
        [
            ("env/bin/python -c \"import rnndyn as rd; s = rd.find_cycles(rd.load_model("
             "'network.npz'), max_order=2, progress=False); print(s); print(rd.cite(s))\"", 0),
        ],
    ),
)  # fmt: skip

_FILES = {
    "NumPy": "numpy.npz",
    "MATLAB 5": "mat5.mat",
    "MATLAB 7.3": "mat73.mat",
    "torch": "torch.pt",
    "safetensors": "network.safetensors",
    "BSON": "flux.bson",
    "JLD2": "network.jld2",
}


def main() -> int:
    """Run all steps; print them, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="the page to write")
    arguments = parser.parse_args()
    wheel = arguments.wheel.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_files(folder)
        page = [_INTRODUCTION]
        for title, text, commands in _STEPS:
            page += [f"## {title}", *([text] if text else [])]
            for command, expected in commands:
                shown = command.format(wheel=wheel.name)
                print(f"$ {shown}", flush=True)
                output = _run(command.format(wheel=wheel), expected, folder)
                output = output.replace(f"{folder}/", "").replace(f"{wheel.parent}/", "")
                print(output, flush=True)
                page.append(f"```text\n$ {shown}\n{output}```")
    if arguments.output:
        arguments.output.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    return 0


def _run(command: str, expected: int, folder: Path) -> str:
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        # No other copy of the package than that of the wheel.
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # What pip says about itself and about the machine's index is not about the package.
    lines = [
        line for line in done.stdout.splitlines(True) if not re.match(r"(WARNING|\[notice\])", line)
    ]
    output = "".join(lines).strip("\n")
    output = f"{output}\n" if output else ""
    if done.returncode != expected:
        sys.exit(f"{command}\nended with {done.returncode} instead of {expected}:\n{output}")
    if expected and ("Traceback" in output or "rnndyn[" not in output):
        sys.exit(f"{command}\nshould name the extra that is missing:\n{output}")
    return output


def _write_files(folder: Path) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    import foreign_files

    for name, file in _FILES.items():
        _, write = foreign_files.WRITERS[name]
        write(folder / file, foreign_files.ARRAYS)


if __name__ == "__main__":
    sys.exit(main())
