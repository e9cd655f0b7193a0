"""The page's sections that are words, tables and small images; each returns HTML, empty when there is nothing."""

import base64
import dataclasses
import io
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.results.document import Run
from benchmarks.results.statistics import samples_needed
from benchmarks.results.tables import brief_columns, describe, devices_table, explain
from benchmarks.results.validity import NOISE
from benchmarks.results.verdict import decide
from digitrec_edge.report.material import Answers, Material
from digitrec_edge.report.style import escape


def lead(material: Material) -> str:
    """Say in one sentence what the page is about."""
    answered = [one.accuracy(material.test.labels) for one in material.answers]
    count = len(material.artifacts)
    text = f"{count} artifact{'s' * (count != 1)} on {len(material.test):,} test images"
    if material.reference:
        text += f"; the Keras model is {material.reference.accuracy(material.test.labels):.2%} accurate"
    if answered:
        text += f", the artifacts {min(answered):.2%} to {max(answered):.2%}" if len(answered) > 1 else ""
    return f"{escape(text)}."


def verdict(material: Material) -> str:
    """What to deploy, per device; then every warning and everything that is missing."""
    parts = []
    for run in material.benchmark.runs if material.benchmark else ():
        decided = decide(run)
        invalid = sum(r.status == "invalid" for r in run.results)
        warnings = [text for text in decided.warnings if not text.startswith("INVALID")]
        if invalid:
            warnings.append(
                f"{invalid} of {len(run.results)} cases are INVALID; the reasons are below the table of {run.device}"
            )
        items = "".join(f"<li>{escape(text)}</li>" for text in warnings)
        sentence = escape(decided.text)
        parts.append(
            f'<div class="card verdict"><p class="device">{escape(run.device)}</p>'
            f"<p>{sentence[:1].upper()}{sentence[1:]}.</p>"
            + (f'<ul class="warn">{items}</ul>' if items else "")
            + "</div>"
        )
    notes = "".join(f"<li>{escape(text)}</li>" for text in material.notes)
    return "".join(parts) + (
        f'<div class="card"><p class="device">Not shown</p><ul>{notes}</ul></div>' if notes else ""
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return a table that scrolls by itself; the first ``words`` columns are words, the others figures."""
    kinds = ["word" if k < words else "figure" for k in range(len(headings))]

    def line(tag: str, cells: Sequence[str]) -> str:
        inner = "".join(
            f'<{tag} class="{kind}">{escape(cell)}</{tag}>' for kind, cell in zip(kinds, cells, strict=True)
        )
        return f"<tr>{inner}</tr>"

    head, body = line("th", headings), "".join(line("td", row) for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def results(run: Run) -> str:
    """The figures of one device."""
    columns = brief_columns(run)
    rows = [[column.text(result) for column in columns] for result in run.results]
    reasons = "".join(
        f"<li><b>{escape(r.status.upper())}</b> {escape(r.label)}: {escape('; '.join(r.reasons))}</li>"
        for r in run.results
        if r.reasons
    )
    return (
        table([column.brief for column in columns], rows, words=2)
        + (f'<ul class="reasons">{reasons}</ul>' if reasons else "")
        + f'<p class="small">{escape(explain(run))} A case is INVALID when its median is not known to '
        f"{NOISE.max_noise:.0%} or the machine throttled.</p>"
    )


def devices(material: Material) -> str:
    """All devices side by side."""
    if not material.benchmark:
        return ""
    return "<h3>All devices: end to end, median microseconds</h3>" + table(*devices_table(material.benchmark))


def training(material: Material) -> str:
    """The recipe and the model summary."""
    parts = []
    history = material.history
    if history:
        fields = history.recipe.summary()
        recipe = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in fields.items() if name != "name")
        seconds = sum(epoch.seconds for epoch in history.epochs)
        ended = " The run was interrupted by its user." if history.interrupted else ""
        looked = f"{history.watched_images:,} {history.watched} images were watched, never trained on."
        parts.append(
            f"<p>Recipe {escape(history.recipe.name)}: {escape(recipe)}; seed {history.seed}; "
            f"{history.train_images:,} training images; "
            f"{len(history.epochs)} epochs in {seconds:.0f} s. {escape(looked)}{ended}</p>"
        )
    if material.layers:
        rows = [
            [
                layer.name, layer.kind, " x ".join(map(str, layer.shape)) if layer.shape else "-",
                "-" if layer.parameters is None else f"{layer.parameters:,}", layer.activation or "-",
            ]
            for layer in material.layers
        ]  # fmt: skip
        known = [layer.parameters for layer in material.layers]
        total = history.parameters if history else None if None in known else sum(n for n in known if n)
        if total is not None:
            rows.append(["total", "", "", f"{total:,}", ""])
        parts.append(
            "<h3>Model summary</h3>" + table(["layer", "kind", "output", "parameters", "activation"], rows, words=2)
        )
    return "".join(parts)


def _image(pixels: NDArray[np.uint8], alternative: str) -> str:
    stream = io.BytesIO()
    Image.fromarray(255 - pixels).save(stream, "PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<img class="digit" width="56" height="56" alt="{escape(alternative)}" src="data:image/png;base64,{data}">'


def mistakes(material: Material) -> str:
    """All test images that the principal model gets wrong, the surest mistakes first."""
    principal, test = material.principal, material.test
    if principal is None:
        return ""
    wrong = (principal.digits != test.labels).nonzero()[0]
    sure = principal.probabilities[wrong, principal.digits[wrong]]
    cells = []
    for k in wrong[np.argsort(-sure, kind="stable")]:
        truth, answer = int(test.labels[k]), int(principal.digits[k])
        share = f"{100 * principal.probabilities[k, answer]:.0f}%"
        cells.append(
            f"<figure>{_image(test.images[k], f'test image {k}: {truth} read as {answer}')}"
            f"<figcaption>{truth} &rarr; <b>{answer}</b> <small>{share}</small></figcaption></figure>"
        )
    return (
        f"<p>All {len(wrong)} of {len(test):,} test images that {escape(principal.name)} gets wrong, the surest "
        f"mistakes first: true digit &rarr; answer, with its probability.</p>"
        f'<div class="gallery">{"".join(cells)}</div>'
    )


def changed(material: Material) -> str:
    """Per artifact the images whose digit differs from the Keras model's, beside both answers."""
    if material.reference is None:
        return ""
    same = [one.name for one in material.answers if (one.digits == material.reference.digits).all()]
    parts = [_changed_by(one, material.reference, material) for one in material.answers if one.name not in same]
    if same:
        parts.insert(0, f"<p>Not one of {len(material.test):,} digits changed in {escape(', '.join(same))}.</p>")
    return "".join(parts)


def _changed_by(one: Answers, reference: Answers, material: Material) -> str:
    test = material.test
    different = (one.digits != reference.digits).nonzero()[0]
    cells = []
    better = worse = 0
    for k in different:
        truth, before, after = int(test.labels[k]), int(reference.digits[k]), int(one.digits[k])
        better, worse = better + (after == truth), worse + (before == truth)
        shares = [f"{100 * m.probabilities[k, d]:.0f}%" for m, d in ((reference, before), (one, after))]
        kind = "won" if after == truth else "lost" if before == truth else "moved"
        cells.append(
            f"<figure>{_image(test.images[k], f'test image {k}: Keras {before}, {one.name} {after}, truth {truth}')}"
            f'<figcaption>{before} <small>{shares[0]}</small> &rarr; <b class="{kind}">{after}</b> '
            f"<small>{shares[1]}</small><br>is {truth}</figcaption></figure>"
        )
    return (
        f"<h3>{escape(one.name)}</h3><p>{len(different)} of {len(test):,} digits changed, Keras &rarr; artifact: "
        f'{worse} became wrong, {better} became right.</p><div class="gallery wide">{"".join(cells)}</div>'
    )


def machine(material: Material) -> str:
    """What each machine is, and how it fared."""
    parts = []
    for run in material.benchmark.runs if material.benchmark else ():
        e, effort = run.environment, run.effort
        rows = [
            ["board", e.board or "not named"], ["CPU", f"{e.cpu}, {e.machine}, {e.cores} of {e.cores_total} cores"],
            ["instruction sets", ", ".join(e.features) or "none that matter"],
            ["governor", e.governor or "not told"],
            ["frequency", _range("MHz", [c.frequency_mhz for c in run.conditions])],
            ["temperature", _range("\u00b0C", [c.temperature_c for c in run.conditions])],
            ["load, 1 minute", _range("", [c.load_1m for c in run.conditions], 1)],
            ["throttling", _throttled([c.throttled for c in run.conditions])],
            ["memory", f"{e.memory_bytes / 2**30:.1f} GB" if e.memory_bytes else "not told"],
            ["system", f"{e.os}, kernel {e.kernel}, {e.libc or 'C library not told'}, Python {e.python}, {e.bits} bit"],
            ["versions", ", ".join(f"{name} {version}" for name, version in e.versions.items())],
            ["measured", f"{run.started}; {describe(run).rpartition('; ')[2]}"],
            ["at least", f"{effort.warmup_calls} calls and {effort.warmup_ms:g} ms of warm-up, then "
             f"{effort.calls} calls and {effort.measure_ms:g} ms, per round and quantity"],
            ["clock", f"perf_counter_ns, {run.timer.cost_ns:g} ns per reading, contained in every single sample"],
            ["p99", f"printed from {samples_needed(99)} samples on"],
        ]  # fmt: skip
        body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
        parts.append(f'<div class="card"><p class="device">{escape(run.device)}</p><dl>{body}</dl></div>')
    return "".join(parts)


def _range(unit: str, values: Sequence[float | None], digits: int = 0) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "not told"
    low, high = min(known), max(known)
    text = (
        f"{low:,.{digits}f}"
        if f"{low:.{digits}f}" == f"{high:.{digits}f}"
        else f"{low:,.{digits}f} to {high:,.{digits}f}"
    )
    return f"{text} {unit}".strip()


def _throttled(values: Sequence[int | None]) -> str:
    known = [f"{value:#x}" for value in values if value is not None]
    return ", ".join(dict.fromkeys(known)) if known else "not told (no vcgencmd)"


def cards(material: Material) -> str:
    """Every artifact's card, whole."""
    parts = []
    for found in material.artifacts:
        size = f"{len(found.data) / 1024:,.0f} KB"
        if found.card is None:
            body = "<p>No card: a foreign file.</p>"
            title = f"{found.path.name} ({size})"
        else:
            text = json.dumps(dataclasses.asdict(found.card), indent=1)
            body = f'<pre tabindex="0">{escape(text)}</pre>'
            title = f"{found.path.name} ({found.card.variant}, {size})"
        parts.append(f"<details><summary>{escape(title)}</summary>{body}</details>")
    return "".join(parts)
