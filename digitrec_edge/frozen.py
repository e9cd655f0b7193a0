"""Frozen records whose methods nobody has to compile: what is imported before the first digit is made of them."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NoReturn, Self, TypeVar, dataclass_transform


class _OfDataclass:
    """An attribute as ``dataclass`` would have written it; made when somebody asks the class or a record for it."""

    def __init__(self, describe: Callable[[type], Any]) -> None:
        self._describe = describe

    def __get__(self, record: object, kind: type["Frozen"]) -> Any:
        return self._describe(_as_dataclass(kind))  # type: ignore[arg-type]  # a class has the hash of type


def _signature(kind: type) -> Any:
    import inspect

    return inspect.signature(kind)


@dataclass_transform(frozen_default=True)
class Frozen:
    """Base of records: what a class declares is what its instances hold, as in ``@dataclass(frozen=True)``.

    That decorator writes six methods per class and compiles them, 2.6 million instructions on a Pi, and importing it
    takes 30 million: a fifth of a ``predict`` for its 50 records. Here all records share their methods. To
    ``dataclasses.fields``, ``replace`` and ``asdict`` they are dataclasses; a class with ``kw_only=True`` takes its
    own fields by keyword alone, and ``__post_init__`` is called. ``field()`` is not known: a default is a value.
    """

    _names = tuple[str, ...]()
    _by_position = tuple[str, ...]()
    __dataclass_fields__ = _OfDataclass(attrgetter("__dataclass_fields__"))
    __dataclass_params__ = _OfDataclass(attrgetter("__dataclass_params__"))
    __signature__ = _OfDataclass(_signature)

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        own = tuple(cls.__annotations__)
        cls._names += own
        cls._by_position += () if kw_only else own
        cls.__match_args__ = cls._by_position  # type: ignore[attr-defined, misc]

    def __init__(self, *values: Any, **named: Any) -> None:
        held = self.__dict__
        held.update(zip(self._by_position, values, strict=False))
        if len(held) < len(values) or not held.keys().isdisjoint(named):
            raise TypeError(f"{type(self).__name__} is given too many values, or one twice: {values}, {named}")
        held.update(named)
        if held.keys() != set(self._names):
            self._complete(held)
        self.__post_init__()

    def _complete(self, held: dict[str, Any]) -> None:
        for name in self._names:
            if name not in held:
                try:
                    held[name] = getattr(type(self), name)
                except AttributeError:
                    raise TypeError(f"{type(self).__name__} is not given its {name}") from None
        if len(held) > len(self._names):
            raise TypeError(f"{type(self).__name__} has no {', '.join(held.keys() - set(self._names))}")

    def __post_init__(self) -> None:
        """Check what is held; a record may refuse it."""

    def _values(self) -> tuple[Any, ...]:
        held = self.__dict__
        return tuple([held[name] for name in self._names])

    def __replace__(self, **changes: Any) -> Self:
        return type(self)(**dict(zip(self._names, self._values(), strict=True)) | changes)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self._names)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"{type(self).__name__} is frozen: its {name} stays")

    def __delattr__(self, name: str) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"{type(self).__name__} is frozen: its {name} stays")


F = TypeVar("F", bound=Frozen)


def replace(record: F, **changes: Any) -> F:
    """Return a record with these fields changed, as ``dataclasses.replace`` does."""
    return record.__replace__(**changes)


@cache
def _as_dataclass(kind: type[Frozen]) -> type:
    """Return a dataclass with the same fields."""
    from dataclasses import MISSING, field, make_dataclass

    bases = [base for base in reversed(kind.__mro__) if issubclass(base, Frozen) and base is not Frozen]
    hints = {name: hint for base in bases for name, hint in base.__annotations__.items()}
    fields = [
        (name, hints[name], field(default=getattr(kind, name, MISSING), kw_only=name not in kind._by_position))
        for name in hints
    ]
    return make_dataclass(kind.__name__, fields, frozen=True)
