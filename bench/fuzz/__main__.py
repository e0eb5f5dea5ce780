"""Fuzzing of the loaders of model files with atheris.

``python -m bench.fuzz [--seconds 60] [--kind KIND] [--corpus FOLDER]``

Every kind of file gets the same share of the time. It starts from good files and from the cases in
``tests/io/corpus``, and mutates what reaches new lines of `rnndyn.io`. HDF5 files are read by
another process, where no lines are seen; their mutation is steered by the answers.

It ends with exit code 0 if every input gave a model or one ValueError that names the file, within a
second of processor time and 512 MB, else 1. Then the files are written into the current folder as
``finding-*``; keep them in ``tests/io/corpus``, whose files the tests load, once they are
understood.
"""

import argparse
import contextlib
import functools
import hashlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_MEGABYTES = 512
_MAX_INPUT = 8192


def main() -> int:
    """Run the fuzzer in a process of its own and print what it tried."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m bench.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long in all (default: 60)")
    parser.add_argument("--kind", action="append", help="only this kind of input; may be repeated")
    parser.add_argument("--corpus", type=Path, help="folder that keeps inputs between runs")
    parser.add_argument("--seed", type=int, default=1, help="seed of the fuzzer (default: 1)")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if find_spec("atheris") is None:
        return _without_atheris()
    sys.path.insert(0, str(ROOT / "tests"))
    if arguments.run:
        return _fuzz(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        from bench.fuzz.inputs import write_seeds

        write_seeds(Path(temporary), ROOT)
        # The writers of the seeds, torch among them, would count towards the memory.
        command = [sys.executable, "-m", "bench.fuzz", "--run", temporary, *sys.argv[1:]]
        return subprocess.run(command, check=False).returncode


def _without_atheris() -> int:
    print(
        "python -m bench.fuzz needs atheris, which has wheels for CPython 3.11 to 3.13 on Linux "
        'x86-64: pip install ".[fuzz]"'
    )
    there_is_a_wheel = (
        sys.platform == "linux" and sys.version_info < (3, 14) and os.uname().machine == "x86_64"
    )
    if there_is_a_wheel:
        return 2
    print("skipped: there is none for this platform")
    return 0


def _fuzz(arguments: argparse.Namespace) -> int:
    import atheris

    # All modules of the package, each with a line about it.
    with (
        contextlib.redirect_stderr(io.StringIO()),
        atheris.instrument_imports(include=["rnndyn"], enable_loader_override=False),
    ):
        from bench.fuzz.target import load
    from bench.fuzz.hdf5 import fuzz_hdf5
    from bench.fuzz.inputs import KINDS, Kind
    from bench.fuzz.record import Record

    names = arguments.kind or [kind.name for kind in KINDS]
    kinds = [kind for kind in KINDS if kind.name in names]
    if len(kinds) < len(names):
        print(f"--kind must be one of {', '.join(kind.name for kind in KINDS)}, got {names}")
        return 2
    seconds = arguments.seconds / len(kinds)

    def fuzz_one(kind: Kind, record: Record, path: Path, corpora: list[Path]) -> int:
        record.count_calls_of(kind.loader)
        if kind.loader == "hdf5":
            return fuzz_hdf5(corpora[-1], path, seconds, arguments.seed, record)
        options = [
            f"-max_total_time={max(1, round(seconds))}",
            f"-seed={arguments.seed}",
            f"-rss_limit_mb={MAX_MEGABYTES}",
            f"-max_len={_MAX_INPUT}",
            # Inputs are not always files, and not every end of the process writes one.
            f"-artifact_prefix={arguments.run}/",
            # Of the wall clock, for endless loops only: a busy or stopped machine is no finding.
            "-timeout=60",
        ]

        def one(data: bytes) -> None:
            record.run(load, path, kind.file_of(data))

        atheris.Setup([sys.argv[0], *options, *map(str, corpora)], one)
        atheris.Fuzz()
        return 0

    rows: list[tuple[str, ...]] = []
    findings: list[str] = []
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        # Without suffix, so that the content decides.
        path = Path(folder) / "input"
        for kind in kinds:
            corpora = [arguments.run / kind.name]
            if arguments.corpus:
                # The first one is where new inputs go.
                corpora.insert(0, arguments.corpus / kind.name)
                corpora[0].mkdir(parents=True, exist_ok=True)
            # Another process reads HDF5 files, so the time of this one says nothing.
            clock = time.perf_counter if kind.loader == "hdf5" else time.process_time
            record = Record(arguments.run, kind.name, clock)
            log = arguments.run / f"log of {kind.name}"
            start = time.monotonic()
            code, megabytes = _in_a_process(
                functools.partial(fuzz_one, kind, record, path, corpora), log
            )
            wall = time.monotonic() - start
            if code or megabytes > MAX_MEGABYTES:
                print(log.read_text(errors="replace")[-5000:])
                # The last file is the one that did it.
                findings.append(f"{kind.name}: exit code {code}, {megabytes:.0f} MB: {_kept(path)}")
            if arguments.corpus and record.slowest_input.exists():
                shutil.copy(record.slowest_input, arguments.corpus)
            rows.append((kind.name, f"{wall:.0f}", *record.cells(), f"{megabytes:.0f}"))
            print(f"{kind.name}: {wall:.0f} s, {record.executions:,.0f} executions", flush=True)
    _print_table(rows)
    for line in findings:
        print(f"FINDING {line}")
    return 1 if findings else 0


def _in_a_process(work: Callable[[], int], log: Path) -> tuple[int, float]:
    """Run in a child; return its exit code, and the most memory that it or its children had."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with log.open("wb") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            os.write(writing, str(kilobytes).encode())
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    _, status, usage = os.wait4(child, 0)
    with os.fdopen(reading) as stream:
        of_children = int(stream.read() or 0)
    return os.waitstatus_to_exitcode(status), max(usage.ru_maxrss, of_children) / 1024


def _kept(path: Path) -> str:
    """Copy a file into the current folder, under a name that its content gives."""
    data = path.read_bytes()
    name = f"finding-{hashlib.sha256(data).hexdigest()[:12]}"
    Path(name).write_bytes(data)
    return name


_HEAD = (
    "input", "seconds", "executions", "reached the loader", "models", "stopped by limits",
    "slowest ms", "peak MB",
)  # fmt: skip


def _print_table(rows: list[tuple[str, ...]]) -> None:
    executions, reached = (
        f"{sum(int(row[column].replace(',', '')) for row in rows):,}" for column in (2, 3)
    )
    rows = [_HEAD, *rows, ("all", "", executions, reached, "", "", "", "")]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
