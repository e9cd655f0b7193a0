"""Every error that digitrec-edge raises on purpose, in one small tree.

    DigitrecError
    |-- InputError              images handed to a model: dtype, shape, NaN, empty
    |-- DataError               a data set: missing, truncated, wrong magic, labels that nothing is called by
    |-- PictureError            a picture file that cannot be read as a digit
    |-- ArtifactError           a model file: missing, foreign, of an unknown format
    |   |-- DamagedError        ... truncated, or changed since it was written
    |   |   `-- ChangedError    ... whole, but not as it was exported: another tool has changed it
    |   `-- SignatureError      ... not signed, or not with the key that is asked for
    |-- KeyFileError            a key that can neither sign nor check a signature
    |-- InferenceError          a model that its runtime loaded and could not run
    |-- RuntimeUnavailableError a runtime, or what else a command needs, that cannot be used here
    |   |-- NotInstalledError   ... because it is not installed (names the line that installs it)
    |   `-- BrokenRuntimeError  ... because it is installed but does not work (names cause and cure)
    |-- ConversionError         a Keras model that cannot be converted
    |   `-- UnfitModelError     ... to this variant, whatever its quality: it has layers that the variant cannot hold
    |-- TrainingError           a training run that cannot start or go on
    |   `-- InterruptedRunError ... because it was interrupted before the first epoch ended
    |-- ParityError             an artifact that lost too much on the way
    |-- BenchmarkError          a benchmark that has nothing to measure
    |-- CollectionError         a collection that is missing, damaged or foreign, or what it cannot hold
    |   |-- CollectionFullError ... because corrected digits alone fill it, and these never go
    |   `-- NoItemError         ... because it does not have the item that is asked for, or no longer
    |-- ServiceError            a service that cannot be started as it is asked to
    |-- OutputError             a file that cannot be written
    |-- SourceError             a camera, stream, video or folder that gives no frames
    |-- PublishError            a broker or a command that takes no readings
    |-- DeploymentError         an artifact that is not put in place: it failed, or there is none
    `-- RemoteError             a device over ssh that cannot be used
        |-- UnreachableError    ... no connection: name, network, port
        |-- LoginRefusedError   ... it accepts none of your keys
        |-- HostKeyError        ... its host key is unknown, or is not the one you know
        |-- ConnectionLostError ... the connection broke halfway
        |-- TimeLimitError      ... it took longer than it may
        |-- BusyDeviceError     ... another digitrec-edge is at work there
        `-- UnfitDeviceError    ... it is no place to run: Python, architecture, disk

Each message is one line: what failed, what was given, what is allowed, what to type next.
The library raises; only the command line prints and exits.
"""


class DigitrecError(Exception):
    """Base of all errors raised on purpose by this package."""


class InputError(DigitrecError, ValueError):
    """Images that no model can take."""


class DataError(DigitrecError):
    """A data set that is missing, damaged or not one of digits."""


class PictureError(DigitrecError):
    """A picture file that cannot be read as a digit."""


class ArtifactError(DigitrecError):
    """A model file that is missing, foreign or of an unknown format."""


class DamagedError(ArtifactError):
    """A model file that is truncated or was changed after it was written."""


class ChangedError(DamagedError):
    """A model file that is whole in its format, but not as it was exported."""


class SignatureError(ArtifactError):
    """A model file that is not signed, or whose signature does not fit the key or the file."""


class KeyFileError(DigitrecError):
    """A key that can neither sign nor check a signature."""


class InferenceError(DigitrecError):
    """A model that its runtime loaded and could not run."""


class RuntimeUnavailableError(DigitrecError):
    """A runtime that cannot be used on this machine or for this file, or another package or program that cannot."""


class NotInstalledError(RuntimeUnavailableError):
    """A runtime, package or program that is not installed."""


class BrokenRuntimeError(RuntimeUnavailableError):
    """A runtime that is installed but does not work."""


class ConversionError(DigitrecError):
    """A Keras model that cannot be converted."""


class UnfitModelError(ConversionError):
    """A Keras model with layers that a variant cannot hold."""


class TrainingError(DigitrecError):
    """A training run that cannot start or go on."""


class InterruptedRunError(TrainingError):
    """A training run that the user interrupted."""


class ParityError(DigitrecError):
    """An artifact whose answers differ too much from the Keras model's."""


class BenchmarkError(DigitrecError):
    """A benchmark that has nothing to measure."""


class CollectionError(DigitrecError):
    """A collection that is missing, damaged or foreign, or what it cannot hold."""


class CollectionFullError(CollectionError):
    """A collection that corrected digits alone fill, and these never go by themselves."""


class NoItemError(CollectionError):
    """An item that a collection does not have, or no longer."""


class ServiceError(DigitrecError):
    """A service that cannot be started as it is asked to."""


class OutputError(DigitrecError):
    """A file that cannot be written; what lay there before is untouched."""


class SourceError(DigitrecError):
    """A camera, stream, video or folder that gives no frames."""


class PublishError(DigitrecError):
    """A broker or a command that takes no readings."""


class DeploymentError(DigitrecError):
    """An artifact that is not put in place; the one that was there stays."""


class RemoteError(DigitrecError):
    """A device over ssh that cannot be used."""


class UnreachableError(RemoteError):
    """No connection to the device: its name, the network or the port."""


class LoginRefusedError(RemoteError):
    """A device that accepts none of the user's keys."""


class HostKeyError(RemoteError):
    """A device whose host key is unknown, or is not the one that is known."""


class ConnectionLostError(RemoteError):
    """A connection to a device that broke halfway."""


class TimeLimitError(RemoteError):
    """A device that took longer than it may."""


class BusyDeviceError(RemoteError):
    """A device at which another digitrec-edge is at work."""


class UnfitDeviceError(RemoteError):
    """A device that cannot run digitrec-edge: its Python, architecture or disk."""
