"""``digitrec-edge train``."""

import dataclasses
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.learning import is_collection, learn
from digitrec_edge.cli.options import whole_number
from digitrec_edge.training.recipes import DEFAULT_RECIPE, RECIPES

if TYPE_CHECKING:
    from digitrec_edge.training.checkpoint import Epoch
    from digitrec_edge.training.history import History
    from digitrec_edge.training.recipes import Recipe

DEFAULT_MODEL = Path("build/model.keras")


def train(
    recipe: Annotated[
        str | None,
        typer.Option(help=f"Recipe to follow: {' or '.join(RECIPES)}. Default: {DEFAULT_RECIPE}.", show_default=False),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Times to go through the training images.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images per update.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="The optimiser's (largest) learning rate.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Same seed, same machine: same weights. Default: 0.", show_default=False)
    ] = None,
    validation_split: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.99,
            help="Share of the training images to hold out and evaluate on, such as 0.1. Default: the recipe's.",
        ),
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Units of the hidden layers, such as 128,64. Default: the recipe's.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Your own digits: a folder with the four IDX files, or a .npz. Default: MNIST. With --base: "
            "collections of corrected digits, and the data set that the base was trained on; may be repeated.",
            show_default=False,
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(help="Go on from this model, with the corrected digits of the collections in --data."),
    ] = None,
    allow_worse: Annotated[
        bool, typer.Option("--allow-worse", help="With --base: write the model though it is not shown to be better.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to write the model. Default: build/model.keras; with --base, beside it: model-learnt.keras.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped or killed, from its last checkpoint.")
    ] = False,
) -> None:
    """Train the Keras network 784-256-128-128-10, or one with other hidden layers, and write it with its history.

    Each epoch prints loss and accuracy on the training images, and on the held-out share when there is one;
    the test set's figures are printed once, at the end, and nothing is chosen by them. A checkpoint lies
    beside the model until the run is done; --resume goes on from it to the same result. Ctrl-C keeps the
    last finished epoch.

    With --base it goes on from a model instead: on old digits and corrected ones together, for about a minute.
    One in three corrections is held out, and the new model must read these better than the base, and the test set,
    changed, corrupted and beside marks that are no digit, not worse than a table allows; else nothing is written.
    """
    terminal.hold_native_output()
    from digitrec_edge.files import check_writable
    from digitrec_edge.training import run as training
    from digitrec_edge.training.checkpoint import checkpoint_path
    from digitrec_edge.training.history import write

    options = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "validation_split": validation_split,
        "hidden": None if hidden is None else _units(hidden),
    }
    if output and output.suffix != ".keras":
        raise typer.BadParameter(f"{output} must end in .keras", param_hint="--output")
    if base:
        _refuse_beside_base({**options, "recipe": recipe, "resume": resume or None})
        learn(base, data or (), output, seed or 0, allow_worse=allow_worse)
        return
    if allow_worse:
        raise typer.BadParameter("a model is compared with its base only: give --base", param_hint="--allow-worse")
    source, output = _source(data or ()), output or DEFAULT_MODEL
    unfinished = checkpoint_path(output)
    chosen, chosen_seed = _choose(recipe, seed, options, unfinished if resume else None)
    check_writable(output)
    if unfinished.exists() and not resume:
        print(
            f"{unfinished} is of an unfinished run and will be replaced; --resume would go on with it",
            file=sys.stderr,
        )
    with _CtrlC() as ctrl_c, terminal.progress() as bar:
        task = bar.add_task("loading TensorFlow", total=chosen.epochs)

        def on_start(model: Any) -> None:
            _print_layers(model)
            bar.update(task, description="compiling")

        def on_epoch(epoch: "Epoch") -> None:
            bar.update(task, advance=1, description=f"epoch {epoch.epoch}")
            print(_line(epoch, chosen), flush=True)
            ctrl_c.epoch_ended()

        model, history = training.train(
            chosen, chosen_seed, source, checkpoint_path=unfinished, resume=resume, on_start=on_start, on_epoch=on_epoch
        )
    write(model, history, output)
    _print_end(history, chosen, output, source)


def _print_end(history: "History", chosen: "Recipe", output: Path, source: Path | None) -> None:
    """Say what was written, and how to go on when the run was interrupted."""
    from digitrec_edge.errors import InterruptedRunError
    from digitrec_edge.training.history import history_path

    print(f"test set: loss {history.test_loss:.4f}  accuracy {history.test_accuracy:.2%}")
    epochs = terminal.counted(len(history.epochs), "epoch")
    print(f"{history.parameters:,} parameters, {epochs}: {output}, {history_path(output)}")
    if history.interrupted:
        data = ["--data", str(source)] if source else []
        elsewhere = ["-o", str(output)] if output != DEFAULT_MODEL else []
        raise InterruptedRunError(
            f"interrupted: {output} holds epoch {len(history.epochs)} of {chosen.epochs}, the last finished one; "
            f"go on with: {shlex.join(['digitrec-edge', 'train', '--resume', *data, *elsewhere])}"
        )


def _refuse_beside_base(options: dict[str, Any]) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter("not with --base, which has a recipe of its own", param_hint=_option(name))


def _source(data: Sequence[Path]) -> Path | None:
    """Return the data set to train on; None is MNIST."""
    collections = [path for path in data if is_collection(path)]
    if collections:
        raise typer.BadParameter(
            f"{collections[0]} is a collection: name the model that learns from it, too, --base {DEFAULT_MODEL}",
            param_hint="--data",
        )
    if len(data) > 1:
        raise typer.BadParameter(f"{len(data)} data sets are named; one is trained on", param_hint="--data")
    return data[0] if data else None


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _print_layers(model: Any) -> None:
    rows = [
        [layer.name, type(layer).__name__, " x ".join(map(str, layer.output.shape[1:])), f"{layer.count_params():,}"]
        for layer in model.layers
    ]
    columns = [("layer", False), ("kind", False), ("output", True), ("parameters", True)]
    terminal.print_table("network", columns, rows, drop=("kind",))


class _CtrlC:
    """Delays Ctrl-C to the end of the epoch that is running; at once before the first one ended or when pressed twice.

    An exception raised while TensorFlow frees its objects would be lost, and the run would go on.
    """

    def __enter__(self) -> "_CtrlC":
        self.pressed = self.started = False
        self.before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *unused: object) -> None:
        signal.signal(signal.SIGINT, self.before)

    def _press(self, number: int, frame: object) -> None:
        if self.pressed or not self.started:
            raise KeyboardInterrupt
        self.pressed = True

    def epoch_ended(self) -> None:
        """Raise KeyboardInterrupt when Ctrl-C was pressed meanwhile."""
        self.started = True
        if self.pressed:
            raise KeyboardInterrupt


def _units(text: str) -> tuple[int, ...]:
    from digitrec_edge.training.recipes import MOST_HIDDEN_LAYERS, MOST_UNITS

    units = [whole_number(part.strip(), MOST_UNITS) for part in text.split(",")]
    if len(units) > MOST_HIDDEN_LAYERS or not all(units):
        raise typer.BadParameter(
            f"{text!r} is not 1 to {MOST_HIDDEN_LAYERS} numbers from 1 to {MOST_UNITS}, such as 128,64",
            param_hint="--hidden",
        )
    return tuple(filter(None, units))


def _choose(name: str | None, seed: int | None, options: dict[str, Any], resumed: Path | None) -> tuple["Recipe", int]:
    """Return recipe and seed: the named one with the options given; or those of the resumed run.

    Options given beside --resume must be those of the run.
    """
    from digitrec_edge.training import checkpoint

    if name is not None and name not in RECIPES:
        raise typer.BadParameter(f"{name!r} is no recipe; choose {', '.join(RECIPES)}", param_hint="--recipe")
    given = {key: value for key, value in options.items() if value is not None}
    if resumed is None:
        return dataclasses.replace(RECIPES[name or DEFAULT_RECIPE], **given), seed or 0
    run = checkpoint.read(resumed).run
    asked = {**given, **({} if name is None else {"name": name}), **({} if seed is None else {"seed": seed})}
    known = {**dataclasses.asdict(run.recipe), "seed": run.seed}
    for key, value in asked.items():
        if known[key] != value:
            option = "--recipe" if key == "name" else _option(key)
            raise typer.BadParameter(
                f"the run in {resumed} has {known[key]}, not {value}; leave it out to resume", param_hint=option
            )
    return run.recipe, run.seed


def _line(epoch: "Epoch", recipe: "Recipe") -> str:
    validation = (
        f"validation loss {epoch.eval_loss:.4f}  validation accuracy {epoch.eval_accuracy:6.2%}  "
        if recipe.validation_split
        else ""
    )
    return (
        f"epoch {epoch.epoch:3d}/{recipe.epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:6.2%}  "
        f"{validation}{epoch.seconds:.2f} s"
    )
