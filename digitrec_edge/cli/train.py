"""``digitrec-edge train``."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from digitrec_edge.training import Epoch


def train(
    recipe: Annotated[str, typer.Option(help="Recipe to follow: reference.")] = "reference",
    epochs: Annotated[int | None, typer.Option(min=1, help="Times to go through the training images.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images per update.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's step size.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same weights.")] = 0,
    validation_split: Annotated[
        float | None,
        typer.Option(help="Share of the training images to hold out and watch instead of the test set, such as 0.1."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Your own digits: a folder with the four IDX files, or a .npz. Default: MNIST.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the model.")] = Path(
        "build/model.keras"
    ),
) -> None:
    """Train the Keras network 784-256-128-128-10 and write it with its history.

    Each epoch prints loss and accuracy on the training images and on the watched ones (the test set, or
    the held-out share); nothing is chosen by them. Ctrl-C keeps the last finished epoch.
    """
    terminal.hold_native_output()
    from digitrec_edge import training
    from digitrec_edge.errors import InterruptedRunError
    from digitrec_edge.files import check_writable

    if recipe not in training.RECIPES:
        raise typer.BadParameter(
            f"{recipe!r} is no recipe; choose {', '.join(training.RECIPES)}", param_hint="--recipe"
        )
    if output.suffix != ".keras":
        raise typer.BadParameter(f"{output} must end in .keras", param_hint="--output")
    check_writable(output)
    default = training.RECIPES[recipe]
    chosen = dataclasses.replace(
        default,
        epochs=default.epochs if epochs is None else epochs,
        batch_size=default.batch_size if batch_size is None else batch_size,
        learning_rate=default.learning_rate if learning_rate is None else learning_rate,
        validation_split=default.validation_split if validation_split is None else validation_split,
    )
    with terminal.progress() as bar:
        task = bar.add_task("loading TensorFlow", total=chosen.epochs)

        def on_start(model: Any) -> None:
            model.summary(print_fn=lambda text: print(text.rstrip()), line_length=76)
            bar.update(task, description="compiling")

        def on_epoch(epoch: "Epoch") -> None:
            watched = "validation" if chosen.validation_split else "test"
            bar.update(task, advance=1, description=f"epoch {epoch.epoch}")
            print(
                f"epoch {epoch.epoch:3d}/{chosen.epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:6.2%}  "
                f"{watched} loss {epoch.watched_loss:.4f}  {watched} accuracy {epoch.watched_accuracy:6.2%}  "
                f"{epoch.seconds:.2f} s",
                flush=True,
            )

        model, history = training.train(chosen, seed, data, on_start=on_start, on_epoch=on_epoch)
    training.write(model, history, output)
    print(f"{history.parameters:,} parameters, {len(history.epochs)} epochs: {output}, {training.history_path(output)}")
    if history.interrupted:
        raise InterruptedRunError(
            f"interrupted: {output} holds epoch {len(history.epochs)} of {chosen.epochs}, the last finished one"
        )
