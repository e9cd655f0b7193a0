"""The native runtime: LiteRT's bytes from every kernel, every rounding as in numpy, nothing from a broken library."""

import concurrent.futures
import dataclasses
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dense_logits import dense_logits
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact import sample
from digitrec_edge.dense import library
from digitrec_edge.dense.block import lay_out
from digitrec_edge.dense.library import Kernel, Library, load_library, open_library
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.reading import network_of
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding
from digitrec_edge.errors import ArtifactError, BrokenRuntimeError, InputError, RuntimeUnavailableError
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.quantization import pixel_table
from runtimes import RUNTIMES, load
from runtimes.native import NativeSession
from runtimes.session import Prepare
from runtimes.table import find

IMAGES = mnist.load("test").images
LITERT = ROUNDINGS[0]
KERNELS = load_library().kernels if library.is_here() else ()

pytestmark = pytest.mark.skipif(not KERNELS, reason="no kernels for this machine")


def a_network(widths: list[int], seed: int = 0, extreme: bool = False) -> Network:
    """A network of random weights, or of the largest there are, whose sums fill the range of its outputs."""
    random = np.random.default_rng(seed)
    layers = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        weights = random.integers(-128, 128, (outputs, inputs)).astype(np.int8)
        if extreme:
            weights[:] = np.where(random.integers(0, 2, (outputs, 1)) > 0, 127, -128)
        zero = int(random.integers(0, 256)) if number + 2 == len(widths) else int(random.choice([0, 3]))
        scale = 255 / (74 * 150 * np.sqrt(inputs)) * random.uniform(0.5, 2, outputs)
        layers.append(
            Dense(
                weights,
                8,
                random.integers(-9000, 9000, outputs).astype(np.int32),
                scale,
                scale.astype(np.float32),
                zero,
                zero if number + 2 < len(widths) else 0,
            )
        )
    return Network(tuple(layers), "uint8", 1 / 255, 0, "uint8", 0.1, layers[-1].zero)


def some_inputs(width: int, count: int = 40, seed: int = 1) -> NDArray[np.uint8]:
    """Inputs of which some are all zero, some have no zero, and most have some."""
    random = np.random.default_rng(seed)
    inputs = random.integers(0, 256, (count, width)).astype(np.uint8)
    inputs[random.uniform(size=inputs.shape) < np.linspace(0, 1, count)[:, None]] = 0
    inputs[-1], inputs[-2] = 0, 255
    return inputs


@pytest.mark.parametrize("variant", ["int8", "int4"])
@pytest.mark.parametrize("kernel", [one.name for one in KERNELS])
def test_every_kernel_answers_with_the_bytes_of_litert(artifacts: Path, kernel: str, variant: str) -> None:
    network, rounding = network_of(artifact.read(artifacts / f"digitrec-{variant}.tflite").payload)
    table = pixel_table(network.input_dtype, network.input_scale, network.input_zero_point)
    found = NativeSession(network, rounding, kernel=kernel).run_batch(table[IMAGES])
    assert found.dtype == np.int8
    with load(artifacts / f"digitrec-{variant}.tflite", "native") as model:
        assert model.logits(IMAGES).tobytes() == model._real(found).tobytes()
        if find("litert").installed:
            with load(artifacts / f"digitrec-{variant}.tflite", "litert") as litert:
                assert litert.logits(IMAGES).tobytes() == model.logits(IMAGES).tobytes()
        singly = [model.classify(image) for image in IMAGES[:300]]
    assert singly == found[:300].argmax(axis=1).tolist()


def test_the_answers_are_those_that_numpy_computes(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    with load(path, "native") as model:
        assert model.logits(IMAGES[:2000]).tobytes() == dense_logits(path, IMAGES[:2000], LITERT).tobytes()


def test_pictures_in_any_order_of_memory_are_read_alike() -> None:
    network, rounding = network_of(pretrained.DEFAULT.read_bytes())
    signed = dataclasses.replace(network, input_dtype="int8", input_zero_point=network.input_zero_point - 128)
    session = NativeSession(signed, rounding)
    prepare = Prepare(pixel_table("int8", session.input.scale, session.input.zero_point))
    pictures_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(IMAGES[:20], 0, -1)), -1, 0)
    for images in (pictures_last, np.asfortranarray(IMAGES[:20])):
        assert np.array_equal(session.run_batch(prepare.batch(images)), session.run_batch(prepare.batch(IMAGES[:20])))


@pytest.mark.parametrize("table", [
    np.arange(256).astype(np.uint8), np.arange(-128, 128).astype(np.int8), np.arange(256).astype(np.float32) / 255,
    np.arange(256).astype(np.int16),
], ids=lambda table: str(table.dtype))  # fmt: skip
def test_what_was_prepared_lies_in_order(table: NDArray[Any]) -> None:
    batch = Prepare(table).batch(np.asfortranarray(IMAGES[:20]))
    assert batch.flags.c_contiguous
    assert np.array_equal(batch, table[IMAGES[:20]])


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=lambda row: row.name)
@pytest.mark.parametrize("kernel", [one.name for one in KERNELS])
def test_every_rounding_is_that_of_numpy(artifacts: Path, kernel: str, rounding: Rounding) -> None:
    network, _ = network_of(artifact.read(artifacts / "digitrec-int8.tflite").payload)
    found = NativeSession(network, rounding, kernel=kernel).run_batch(IMAGES[:1000])
    assert found.view(np.uint8).tobytes() == (network.run(IMAGES[:1000], rounding) ^ np.uint8(128)).tobytes()


@pytest.mark.parametrize(
    "widths",
    [
        [1, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1], [3, 5], [4, 16], [7, 9, 10], [17, 33, 31], [15, 63, 65, 2], [784, 1000],
        [785, 129, 257, 10], [1024, 1024, 1024, 1024], [783, 47, 10], [30, 1, 30],
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kernel", [one.name for one in KERNELS])
def test_layers_of_any_width_are_computed(kernel: str, widths: list[int]) -> None:
    for extreme in (False, True):
        network, inputs = a_network(widths, extreme=extreme), some_inputs(widths[0])
        for rounding in ROUNDINGS:
            session = NativeSession(network, rounding, kernel=kernel)
            found = session._numbers(inputs, widths[-1])
            assert found.tobytes() == network.run(inputs, rounding).tobytes(), rounding.name
            place = network.run(inputs[:1], rounding).argmax()
            assert session._classify(session._block, inputs[0].tobytes()) == place


def test_nothing_is_read_behind_the_inputs_or_written_behind_the_outputs() -> None:
    for kernel in KERNELS:
        network = a_network([30, 19, 7])
        session = NativeSession(network, LITERT, kernel=kernel.name)
        inputs, outputs = np.full((5, 30), 9, np.uint8), np.full((6, 7), 77, np.uint8)
        first = session._numbers(inputs[:1].copy(), 7)
        session._run(session._block, inputs.ctypes.data, 5, outputs.ctypes.data)
        assert (outputs[:5] == first).all()
        assert (outputs[5] == 77).all()


def test_threads_share_a_batch_and_several_threads_a_model(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    with load(path, "native") as one, load(path, "native", threads=3) as three:
        assert three._session is not None
        assert three._session.chunk == 3 * 256
        for count in (1, 2, 3, 767, 768, 769, 2000):
            assert three.logits(IMAGES[:count]).tobytes() == one.logits(IMAGES[:count]).tobytes()
        expected = one.predict(IMAGES[:200]).digits.tolist()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda start: [one.classify(image) for image in IMAGES[:200]], range(8))
            assert all(answer == expected for answer in answers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_goes_on_with_a_model(artifacts: Path) -> None:
    with load(artifacts / "digitrec-int8.tflite", "native", threads=2) as model:
        expected = model.logits(IMAGES[:600]).tobytes()
        child = os.fork()
        if child == 0:
            same = model.logits(IMAGES[:600]).tobytes() == expected and model.classify(IMAGES[0]) == 7
            os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert model.classify(IMAGES[0]) == 7


def test_a_model_that_is_closed_while_it_is_used_ends_with_an_answer_or_one_line(artifacts: Path) -> None:
    model = load(artifacts / "digitrec-int8.tflite", "native")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(model.logits, IMAGES) for _ in range(4)]
        model.close()
        for one in busy:
            try:
                assert one.result().shape == (10_000, 10)
            except InputError as error:
                assert "is closed; load it again" in str(error)
    with pytest.raises(InputError, match="is closed; load it again"):
        model.classify(IMAGES[0])


@pytest.mark.parametrize(("number", "first"), [(1, 0), (2, 0), (3, 1), (32, 15)])
def test_before_any_picture_the_kernel_alone_is_timed_on_one_with_as_much_ink_as_most(number: int, first: int) -> None:
    images = np.array([np.arange(784) <= 20 * ink for ink in range(number)], np.uint8)
    shuffled = images[np.random.default_rng(0).permutation(number)]
    session = NativeSession(a_network([784, 16, 10]), LITERT, images=shuffled)
    np.testing.assert_array_equal(session._last[0], images[first : first + 1])


def test_it_is_the_last_that_is_chosen_and_the_one_that_is_always_here(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RUNTIMES[-1].name == "native"
    with load(artifacts / "digitrec-int8.tflite") as model:
        assert model.runtime == next(row.name for row in RUNTIMES if row.installed)
    for row in RUNTIMES[:-1]:
        monkeypatch.setattr(type(row.presence), "version", lambda self: None)
    with load(artifacts / "digitrec-int4.tflite") as model:
        assert (model.runtime, model.runtime_version) == ("native", library.RELEASE)
        assert model.classify(IMAGES[0]) == 7
    with pytest.raises(
        RuntimeUnavailableError,
        match=r"digitrec-float32\.tflite computes with float32 .native .* with int8 and uint8 alone",
    ):
        load(artifacts / "digitrec-float32.tflite")


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ("float32", r"computes with float32 \(native 1.0 with int8 and uint8 alone\)"),
        ("float16", r"needs DEQUANTIZE 3 \(native 1.0 does not have it\)"),
        ("int8-dynamic", r"computes with float32 \(native 1.0 with int8 and uint8 alone\)"),
        ("int16x8", r"computes with int16 \(native 1.0 with int8 and uint8 alone\)"),
    ],
)
def test_another_model_is_refused_by_what_it_computes_with(artifacts: Path, variant: str, reason: str) -> None:
    with pytest.raises(RuntimeUnavailableError, match=f"{reason}: .* -m pip install .*ai-edge-litert") as raised:
        load(artifacts / f"digitrec-{variant}.tflite", "native")
    assert "--target" not in str(raised.value)  # native runs no export of this variant at all


@pytest.mark.parametrize("name", ["digitrec-int8.tflite", "digitrec-int4.tflite", "digitrec-int8-c.zip"])
def test_a_model_is_tried_on_the_images_that_travel_in_its_file(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tried: list[NDArray[np.uint8] | None] = []
    check = NativeSession._check

    def recorded(
        self: NativeSession, network: Network, rounding: Rounding, images: NDArray[np.uint8] | None
    ) -> NDArray[np.uint8]:
        tried.append(images)
        return check(self, network, rounding, images)

    monkeypatch.setattr(NativeSession, "_check", recorded)
    found = artifact.read(artifacts / name)
    with load(artifacts / name, "native"):
        (images,) = tried
    assert images is not None
    assert np.array_equal(images, sample.unpack(found.files[SAMPLE_FILE], 10).images)


def test_images_that_travel_in_the_artifact_are_read_from_it() -> None:
    from digitrec_edge.artifact.sample import images_of

    found = artifact.read(pretrained.DEFAULT)
    images = images_of(found.files)
    assert images is not None
    assert images.shape == (32, 28, 28)
    assert images_of({}) is None


def broken(kernel: Kernel) -> Library:
    """A library whose kernel wants other weights than it says, and so computes something else."""
    return dataclasses.replace(load_library(), kernels=(dataclasses.replace(kernel, offset=128 - kernel.offset),))


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda one: one.name)
def test_a_library_that_computes_something_else_never_answers(kernel: Kernel) -> None:
    network, rounding = network_of(pretrained.DEFAULT.read_bytes())
    with pytest.raises(OSError, match=f"its kernel {kernel.name} computes something else than it should"):
        NativeSession(network, rounding, library=broken(kernel))


def test_a_broken_library_is_one_line_for_who_loads_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.native.load_library", lambda: broken(KERNELS[0]))
    with pytest.raises(BrokenRuntimeError, match="native is installed but does not work: OSError: its kernel "):
        load(pretrained.DEFAULT, "native")


@pytest.mark.parametrize("damage", ["cut", "one bit", "empty", "not named", "gone"])
def test_a_damaged_library_is_not_even_loaded(tmp_path: Path, damage: str) -> None:
    shutil.copytree(library.FOLDER, tmp_path / "lib")
    path = tmp_path / "lib" / load_library().path.name
    data = path.read_bytes()
    open_library(path)
    if damage == "one bit":
        path.write_bytes(data[:3000] + bytes([data[3000] ^ 1]) + data[3001:])
    elif damage == "not named":
        (tmp_path / "lib" / library.SUMS).write_text("")
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    with pytest.raises(OSError, match="is damaged, or not the one that SHA256SUMS names|No such file"):
        open_library(path)


def test_a_block_that_is_not_whole_is_refused_by_the_library_itself() -> None:
    check = load_library().functions.digitrec_native_check
    kernel = KERNELS[-1]
    network = a_network([20, 10, 5])

    def changed(at: int, value: int) -> int:
        block = lay_out(network, ROUNDINGS[1], kernel.number, kernel.group, kernel.offset)
        if at >= 0:
            block[at : at + 4] = np.frombuffer(np.int32(value).tobytes(), np.uint8)
        return check(block.ctypes.data, block.nbytes)

    assert changed(-1, 0) == 0
    first, last = 16, 16 + 36  # layers begin behind four numbers, and have nine
    assert [changed(4, 99), changed(4, -1), changed(8, 4), changed(12, 0), changed(12, 9)] == [2] * 5
    for at in (first, last):
        wrong = {
            0: [0, -1, 1025],
            4: [0, 1025],
            8: [-1, 256],
            12: [-1, 256],
            16: [1, 0, 64, 1 << 30, -64],
            20: [1 << 20],
        }
        for place, values in wrong.items():
            assert all(changed(at + place, value) == 3 for value in values), (at, place)
        assert all(changed(at + place, -64) == 3 for place in (20, 24, 28, 32))
    assert changed(last, 9) == 4
    block = lay_out(network, LITERT, 0, 1, 0)
    assert check(block.ctypes.data, block.nbytes - 1) == check(block.ctypes.data + 1, block.nbytes) == 1


def test_a_shift_that_c_does_not_know_is_refused() -> None:
    block = lay_out(a_network([4, 2]), ROUNDINGS[1], 0, 1, 0)
    shifts = int(block[16 + 32 : 16 + 36].view("<u4")[0])
    for wrong in (-1, 31):
        block[shifts : shifts + 4] = np.frombuffer(np.int32(wrong).tobytes(), np.uint8)
        assert load_library().functions.digitrec_native_check(block.ctypes.data, block.nbytes) == 3


def test_a_foreign_model_of_another_size_is_no_digit_recogniser() -> None:
    session = NativeSession(a_network([9, 4]), LITERT)
    assert session.input.shape == (9,)
    with pytest.raises(ValueError, match="no kernel is called 'sse9' here"):
        NativeSession(a_network([9, 4]), LITERT, kernel="sse9")


def test_a_damaged_artifact_does_not_reach_the_kernels(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.native.open_session", lambda found, threads: pytest.fail("was opened"))
    data = bytearray((artifacts / "digitrec-int8.tflite").read_bytes())
    data[len(data) // 3] ^= 1
    with pytest.raises(ArtifactError, match="damaged"):
        load(bytes(data), "native")
