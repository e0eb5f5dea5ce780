"""Coverage-guided fuzzing of the loaders of model files with atheris.

``python -m bench.fuzz [--seconds 60] [--corpus FOLDER]``

It starts from one good file of every format, mutates what reaches new lines of `rnndyn.io`, and
ends with exit code 0 if every input gave a model or one ValueError that names the file, within a
second of processor time and 512 MB. Otherwise the input is written to ``crash-*`` in the current
folder; keep it in ``tests/io/corpus``, whose files the tests load, once it is understood.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_MEGABYTES = 512


def main() -> int:
    """Run the fuzzer in a process of its own and say how many inputs it tried."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: 60)")
    parser.add_argument("--corpus", type=Path, help="folder that keeps inputs between runs")
    parser.add_argument("--seed", type=int, default=1, help="seed of the fuzzer (default: 1)")
    parser.add_argument("--seeds-only", action="store_true", help="write the good files and end")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        return _fuzz(arguments.run, arguments.seconds, arguments.seed)
    with tempfile.TemporaryDirectory() as temporary:
        corpus = arguments.corpus or Path(temporary)
        corpus.mkdir(parents=True, exist_ok=True)
        _write_seeds(corpus)
        if arguments.seeds_only:
            return 0
        # The writers of the seeds, torch among them, would count towards the memory.
        command = [sys.executable, "-m", "bench.fuzz", "--run", str(corpus)]
        more = ["--seconds", str(arguments.seconds), "--seed", str(arguments.seed)]
        return subprocess.run([*command, *more], check=False).returncode


def _write_seeds(corpus: Path) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    import foreign_files
    import rnndyn

    for name in foreign_files.WRITERS:
        foreign_files.written(corpus, name)
    for suffix in ("npz", "json"):
        rnndyn.save_model(foreign_files.MODEL, corpus / f"rnndyn.{suffix}")
    for case in sorted((ROOT / "tests" / "io" / "corpus").glob("*")):
        (corpus / case.name).write_bytes(case.read_bytes())


def _fuzz(corpus: Path, seconds: int, seed: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["rnndyn.io"]):
        from bench.fuzz.target import load

    # In memory where there is such a folder; without suffix, so that the content decides.
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        path = Path(folder) / "input"
        options = [
            f"-max_total_time={seconds}",
            f"-seed={seed}",
            f"-rss_limit_mb={MAX_MEGABYTES}",
            "-max_len=16384",
            # Of the wall clock, for endless loops only: a busy or stopped machine is no finding.
            "-timeout=600",
            "-print_final_stats=1",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: _one(load, path, data))
        atheris.Fuzz()
    return 0


def _one(load, path, data) -> None:
    load(path, data)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
