"""Recipes: how to train, as data. One frozen dataclass each, one table."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Literal

from digitrec_edge.errors import TrainingError
from digitrec_edge.records import Within

HIDDEN_UNITS = (256, 128, 128)
MOST_HIDDEN_LAYERS = 7
MOST_UNITS = 1024
"""With the layer of logits these are what C and the native runtime compute, see :mod:`digitrec_edge.dense.tflite`."""

FLOAT_BITS: Literal[32] = 32
TRAINED_BITS: Literal[4] = 4
"""Bits of a weight that is not rounded, and of one that is while the network trains."""

_AVERAGES = 16
"""A moving average is of a sixteenth of a run's steps at most: what it began with then has no part in it any more."""

Annealed = tuple[float, float]
"""A strength in the first and in the last epoch; linear between them."""

Units = Annotated[int, Within(1, MOST_UNITS)]


@dataclass(frozen=True)
class Distortion:
    """How far every image is distorted, differently in every epoch; u is uniform in 0 to 1, drawn for each image.

    Attributes:
        rotation_degrees: rotated by up to so much either way.
        shear: slanted by up to so many columns per row either way.
        log_scale: each axis scaled by exp of up to so much either way.
        shift_px: moved by up to so much either way along each axis.
        elastic_px: standard deviation of a smooth random displacement.
        noise: standard deviation of Gaussian noise is u * u * this, of a full range of 1.
        contrast: pixels are multiplied by 1 - u * this.
        thickness: probability that a 3 x 3 cross thickens the stroke, and again that it thins it.
        background: u * this is added to the whole image, on half of the images.
        blemish: probability of a line, a blot, a blur and the like, see :mod:`digitrec_edge.training.blemishes`.
    """

    rotation_degrees: Annealed
    shear: Annealed
    log_scale: Annealed
    shift_px: Annealed
    elastic_px: Annealed
    noise: Annealed
    contrast: Annealed
    thickness: Annealed
    background: Annealed
    blemish: Annealed

    def at(self, progress: float) -> dict[str, float]:
        """Return every strength at ``progress``, 0 in the first epoch and 1 in the last."""
        ranges: dict[str, Annealed] = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: start + (end - start) * progress for name, (start, end) in ranges.items()}


@dataclass(frozen=True)
class Recipe:
    """How to train: sparse categorical cross-entropy on logits, pixels / 255, shuffled each epoch.

    Attributes:
        validation_split: share of the training images held out for evaluation; 0 evaluates on the test set.
        optimizer: ``muon`` gives the hidden matrices steps whose singular values are alike, and Adam the rest.
        beta_2: Adam's decay of the squared gradients.
        weight_decay: decoupled (AdamW), of matrices only; 0 is none.
        warmup_epochs: with 1 or more, the learning rate rises linearly from 0 over so many epochs and
            then falls to 0 as a cosine; with 0 it is constant.
        ema_momentum: of an exponential moving average of the weights, which is the result; 0 is none. A run of few
            steps has a lower one, see :meth:`averaged_over`.
        distortion: None trains on the images as they are.
        marks: so many marks that are no digit in every epoch, per digit, see :mod:`digitrec_edge.training.marks`.
        marks_weight: of a mark's loss, the cross-entropy to all classes alike, next to a digit's.
        hidden: units of the hidden layers, from the picture on.
        weight_bits: of each weight of the result, see :mod:`digitrec_edge.training.weights`: 32 leaves them float32, 8
            rounds them at the end to what int8 holds, and with 4 every step computes with what int4 holds.
        pooled: the first layer weighs the four pixels of each square of 2 x 2 alike.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    validation_split: float = 0.0
    optimizer: Literal["adam", "muon"] = "adam"
    beta_2: float = 0.999
    weight_decay: float = 0.0
    warmup_epochs: int = 0
    ema_momentum: float = 0.0
    distortion: Distortion | None = None
    marks: float = 0.0
    marks_weight: float = 0.0
    hidden: Annotated[tuple[Units, ...], Within(1, MOST_HIDDEN_LAYERS)] = HIDDEN_UNITS
    weight_bits: Literal[32, 8, 4] = FLOAT_BITS
    pooled: bool = False

    def marks_beside(self, digits: int) -> int:
        """Return how many marks an epoch of so many digits has."""
        return round(self.marks * digits)

    def averaged_over(self, digits: int) -> "Recipe":
        """Return what a new network follows in epochs of so many digits: the average of few steps is of the last ones.

        With the momentum of long runs, most of a short one's result would be the weights that it began with.
        """
        steps = self.epochs * math.ceil((digits + self.marks_beside(digits)) / self.batch_size)
        return dataclasses.replace(self, ema_momentum=min(self.ema_momentum, max(0.0, 1 - _AVERAGES / steps)))

    def check(self, images: int) -> None:
        """Refuse what cannot be trained.

        Raises:
            TrainingError: names the value and what is allowed.
        """
        most = images - (round(images * self.validation_split) if 0 <= self.validation_split < 1 else 0)
        batches = f"1 to {most:,}: give --batch-size {min(32, most)}"
        for name, value, good, allowed in (
            ("epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("learning rate", self.learning_rate, 0 < self.learning_rate < float("inf"), "more than 0"),
            ("validation split", self.validation_split, 0 <= self.validation_split < 1, "0 up to, but not, 1"),
            ("validation split", self.validation_split, most > 0, f"what leaves some of {images:,} images to train on"),
            ("batch size", self.batch_size, 1 <= self.batch_size <= most, batches),
            ("hidden", self.hidden, self._fits(), f"1 to {MOST_HIDDEN_LAYERS} layers of 1 to {MOST_UNITS} units"),
            ("marks", self.marks, self.marks == 0 or self.distortion is not None, "0 without distortion"),
        ):
            if not good:
                raise TrainingError(f"{name} is {value}, allowed is {allowed}")

    def _fits(self) -> bool:
        return 1 <= len(self.hidden) <= MOST_HIDDEN_LAYERS and all(1 <= units <= MOST_UNITS for units in self.hidden)

    def summary(self) -> dict[str, float | int | str | None]:
        """Return the recipe as flat JSON values; a distortion as ``distortion.shift_px: 3 to 1.2``."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "distortion"}
        fields["hidden"] = "-".join(map(str, self.hidden))
        fields["pooled"] = "yes" if self.pooled else "no"
        if self.distortion:
            for field in dataclasses.fields(self.distortion):
                start, end = getattr(self.distortion, field.name)
                fields[f"distortion.{field.name}"] = f"{start:g} to {end:g}"
        return fields


STANDARD = Recipe(
    "standard",
    epochs=24,
    batch_size=512,
    learning_rate=0.01,
    validation_split=1 / 12,
    optimizer="muon",
    beta_2=0.99,
    weight_decay=0.1,
    warmup_epochs=1,
    ema_momentum=0.995,
    distortion=Distortion(
        rotation_degrees=(12.0, 5.0),
        shear=(0.15, 0.08),
        log_scale=(0.12, 0.08),
        shift_px=(2.0, 1.0),
        elastic_px=(1.0, 0.5),
        noise=(0.2, 0.1),
        contrast=(0.4, 0.3),
        thickness=(0.1, 0.05),
        background=(0.2, 0.2),
        blemish=(0.05, 0.05),
    ),
    marks=0.3,
    marks_weight=0.5,
    weight_bits=8,
)
"""The one that is trained by default."""

RECIPES = {
    "reference": Recipe("reference", epochs=20, batch_size=32, learning_rate=0.001),
    "standard": STANDARD,
    "robust": Recipe(
        "robust",
        epochs=340,
        batch_size=1024,
        learning_rate=0.01,
        validation_split=1 / 20,
        optimizer="muon",
        beta_2=0.99,
        weight_decay=0.1,
        warmup_epochs=1,
        ema_momentum=0.996,
        distortion=Distortion(
            rotation_degrees=(18.0, 5.0),
            shear=(0.25, 0.08),
            log_scale=(0.2, 0.08),
            shift_px=(3.0, 1.2),
            elastic_px=(1.5, 0.5),
            noise=(0.3, 0.15),
            contrast=(0.5, 0.3),
            thickness=(0.15, 0.08),
            background=(0.3, 0.2),
            blemish=(0.3, 0.05),
        ),
        marks=0.5,
        marks_weight=0.5,
        weight_bits=8,
    ),
    "tiny": dataclasses.replace(
        STANDARD,
        name="tiny",
        epochs=360,
        batch_size=1024,
        validation_split=1 / 20,
        ema_momentum=0.996,
        marks_weight=0.2,
        hidden=(64, 64, 64),
        weight_bits=4,
        pooled=True,
    ),
}

DEFAULT_RECIPE = STANDARD.name
