"""The command line: parse, call, print. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import errno
import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from edgernn import __version__
from edgernn.errors import EdgernnError, ExitCode, InputError

_NO_ROOM = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EPERM)


class Verbs(TyperGroup):
    """All verbs. Some exceptions are told here: Typer keeps them to itself, or draws a box about its one line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _fail_usage(error)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail("interrupted; run the same command again to go on", ExitCode.INTERRUPTED)
        except EOFError as error:
            _fail(_crash(error), ExitCode.INTERNAL)
        except Exception as error:
            _fail_usage(error)


def _fail_usage(error: Exception) -> NoReturn:
    """End with what is wrong with the arguments, if that is what an exception is about; else raise it again."""
    told = _usage(error)
    if not told:
        raise error
    _fail(told, ExitCode.INPUT)


def _usage(error: Exception) -> str:
    """Of an exception for wrong arguments, in one line; which module has its class depends on Typer's version."""
    context = getattr(error, "ctx", None)
    if "UsageError" not in {kind.__name__ for kind in type(error).__mro__} or context is None:
        return ""
    if type(error).__name__ == "NoArgsIsHelpError":  # of a group of verbs, whose help is what was wanted
        return ""
    what = getattr(error, "format_message")().rstrip(".")  # noqa: B009 (its type is not known here)
    return f"{what[:1].lower()}{what[1:]}{'' if what.endswith('?') else ';'} see {context.command_path} --help"


app = typer.Typer(
    cls=Verbs,
    help="Train compact recurrent networks, quantise them to integers and ship them, with proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_app = typer.Typer(help="Datasets that package registries hold.", no_args_is_help=True)
app.add_typer(data_app, name="data")

_CATALOG_COLUMNS = ("name", "task", "examples", "licence", "download_bytes", "cached")

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A build folder.")]


@app.command()
def build(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.KEY=VALUE",
            help="Change a value of the recipe; a data.path is relative to the current folder.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The build folder [default: build/<recipe's name>]."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="Run this stage and those after it again.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every stage again.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make everything that the recipe asks for: models, C code, and the report that proves them."""
    from edgernn import pipeline
    from edgernn import recipe as recipes
    from edgernn.progress import Progress

    plan = recipes.load(recipe, overrides or ())
    fresh = pipeline.later_stages("data" if no_cache else start)
    progress = Progress(quiet or as_json)
    folder = out or Path("build") / plan.name
    _conclude(pipeline.build(plan, recipe.parent, folder, progress, fresh), folder, quiet, as_json)


@app.command()
def verify(folder: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Run every artifact of a build on every engine again, on the whole test split."""
    _again(folder, "verify", quiet, as_json)


@app.command()
def bench(folder: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Measure latency and memory of every artifact of a build again."""
    _again(folder, "benchmark", quiet, as_json)


@app.command()
def firmware(
    folder: Folder,
    board: Annotated[str, typer.Option("--board", metavar="BOARD", help="A board that `edgernn doctor` lists.")],
    execute: Annotated[
        bool, typer.Option("--run", help="Run the images on the board's emulator, against the integer reference.")
    ] = False,
    optimise: Annotated[
        str | None,
        typer.Option("--optimise", metavar="GOAL", help="Only one image: size or speed [default: both]."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Build the C code of a build for a board; its size, and with --run its instructions, RAM and outputs."""
    from edgernn import deployment, pipeline
    from edgernn.progress import Progress
    from edgernn.report import boards

    asked = deployment.order(board, optimise, execute)
    found = boards.of_one(pipeline.deploy(folder, asked, Progress(quiet or as_json)), board)
    if as_json or not quiet:
        _print(found, as_json, lambda content: boards.terminal_table(content["results"]))
    if not as_json and not quiet:
        print(*boards.lines(found, folder), sep="\n")
    raise typer.Exit(ExitCode.DONE if found["passed"] else ExitCode.GATE_FAILED)


@app.command()
def report(folder: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Write report.html and report.md again, from report.json."""
    from edgernn import report as reports

    content = reports.load(folder)
    reports.write(content, folder)
    _conclude(content, folder, quiet, as_json)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An artifact: .tflite, .onnx or a C folder.")],
    as_json: Json = False,
) -> None:
    """Show what an artifact holds: operators, integer or float, weights, inputs and outputs."""
    from edgernn import inspect as inspection

    _print(inspection.inspect(file), as_json, inspection.table)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Show which engines, compilers and training tools are there, and what would add the others."""
    from edgernn import doctor as health

    _print(health.checks(), as_json, health.table)


@app.command()
def run(
    folder: Folder,
    frames: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Raw frames, a CSV file with a header, or one text a line; - is standard input.",
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="TEXT", help="Write text that goes on after this.")
    ] = None,
    length: Annotated[
        int | None,
        typer.Option("--length", metavar="N", help="Characters or words to write at most [default: 400]."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature", metavar="T", help="Below 1, likely characters become likelier [default: the recipe's]."
        ),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", metavar="K", help="Draw among so many, 0: all [default: the recipe's]."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="S", help="Another one gives another text [default: 0].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Feed frames, as a sensor would, or texts to the integer network, and print each decision at once.

    With --prompt, a network that says what comes next writes text, and one of parallel text answers.
    """
    from edgernn import run as streaming

    drawing = {"length": length, "temperature": temperature, "top_k": top_k, "seed": seed}
    given = {name: value for name, value in drawing.items() if value is not None}
    if prompt is not None and frames is None:
        _write_text(folder, prompt, given, as_json)
        return
    if frames is None or prompt is not None or given:
        raise InputError("run needs --input FILE, or --prompt TEXT, which alone has --length and what follows it")
    for decision in streaming.decisions(folder, frames):
        print(json.dumps(decision) if as_json else streaming.line(decision), flush=True)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR_A", help="A build folder.")],
    second: Annotated[Path, typer.Argument(metavar="DIR_B", help="Another one.")],
    as_json: Json = False,
) -> None:
    """Show two builds side by side: metric, drop, size and latency of each artifact on each engine."""
    from edgernn import compare as comparison

    _print(comparison.compare(first, second), as_json, comparison.table)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The recipe's name.")],
    task: Annotated[
        str,
        typer.Option(
            "--task",
            metavar="TASK",
            help="classify, forecast, anomaly, text, generate, translate, audio, events or next_item.",
        ),
    ],
) -> None:
    """Write a commented recipe for your own data to <NAME>.yaml."""
    from edgernn import new as scaffold

    print(f"wrote {scaffold.write(name, task, Path.cwd())}")


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """Show the datasets of the catalog."""
    from edgernn import datasets, terminal

    rows = [row._asdict() for row in datasets.catalog_rows()]
    _print(rows, as_json, lambda content: terminal.table(content, _CATALOG_COLUMNS))


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A dataset of `edgernn data list`.")],
) -> None:
    """Download a dataset into the cache; afterwards builds need no network for it."""
    from edgernn import datasets

    print(datasets.fetch(name))


def _version(value: bool) -> None:
    if value:
        print(f"edgernn {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _again(folder: Path, stage: str, quiet: bool, as_json: bool) -> None:
    from edgernn import pipeline
    from edgernn.progress import Progress

    content = pipeline.again(folder, stage, Progress(quiet or as_json))
    _conclude(content, folder, quiet, as_json)


def _conclude(content: dict[str, Any], folder: Path, quiet: bool, as_json: bool) -> NoReturn:
    """Print a report's summary, and exit by its verdict."""
    if as_json:
        print(json.dumps(content))
    elif not quiet:
        from rich.console import Console

        from edgernn import report as reports

        Console().print(reports.summary(content))
        print(f"report: {folder / 'report.html'}")
    raise typer.Exit(ExitCode.DONE if content["passed"] else ExitCode.GATE_FAILED)


def _write_text(folder: Path, prompt: str, drawing: dict[str, Any], as_json: bool) -> None:
    """Print a prompt and what is written after it, token by token."""
    from edgernn import run as streaming

    found = streaming.text(folder, prompt, **drawing)
    for number, token in enumerate(found):
        if number == 0 and not as_json:
            print(streaming.opening(folder, prompt), end="", flush=True)
        print(json.dumps(token) if as_json else token["text"], end="\n" if as_json else "", flush=True)
    if not as_json:
        print()
    if unknown := streaming.unknown(folder, prompt):
        print(f"edgernn: not known, and read as <unk>: {' '.join(map(repr, unknown))}", file=sys.stderr)


def _print(content: Any, as_json: bool, table: Any) -> None:
    if as_json:
        print(json.dumps(content, indent=1))
        return
    from rich.console import Console

    Console().print(table(content))


def main() -> None:
    """The console script: one line for every error, and its exit code."""
    try:
        _refuse_foreign(sys.argv[1:])
        app()
    except EdgernnError as error:
        _fail(str(error), error.exit_code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            place = error.filename or "a file"
            _fail(f"{place}: {error.strerror}; free space or choose --out", ExitCode.INPUT)
        _fail(_crash(error), ExitCode.INTERNAL)


def _refuse_foreign(arguments: Sequence[str]) -> None:
    """An argument that is not UTF-8 has bytes that no report, recipe or vocabulary can hold."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise InputError(
                f"the argument {argument!r} is not UTF-8 text; write it in UTF-8, or rename the file"
            ) from None


def _crash(error: Exception) -> str:
    """What to say of a bug; the traceback goes to a file, which the user can send."""
    what = f"internal error: {type(error).__name__}: {str(error)[:300]}"
    text = "".join(traceback.format_exception(error))
    try:
        handle, path = tempfile.mkstemp(prefix="edgernn-", suffix=".txt")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return f"{what}; please report it (there is no room for a file with the traceback)"
    return f"{what}; please report it with the traceback in {path}"


def _fail(message: str, code: ExitCode) -> NoReturn:
    print(f"edgernn: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
