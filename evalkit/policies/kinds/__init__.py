"""Kinds of policies, one file each. To add one, put a file here with `candidates(replay)`; it is found by itself.

A file may also have `not_measured(replay)`: a sentence on what the run has no data for, or None.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from evalkit.policies.replay import Policy, Replay

MOST = 2000


@dataclass(frozen=True)
class Collected:
    """The candidates, and by kind how many there are in all and how many of them were taken."""

    policies: tuple[Policy, ...]
    counts: dict[str, tuple[int, int]]

    @property
    def note(self) -> str | None:
        """What was left out and by which rule; None where nothing was."""
        less = [f"{taken:,} of {of:,} {kind}" for kind, (of, taken) in self.counts.items() if taken < of]
        if not less:
            return None
        return (
            f"To keep to the limit, only {', '.join(less)} policies are tried: whole families, evenly over the kinds, pairs "
            "of different makers and long steps up in price first; no outcome has a say in it."
        )


def found() -> dict[str, ModuleType]:
    """The files of this package by name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def collect(replay: Replay, kinds: Sequence[str] | None = None, most: int = MOST) -> Collected:
    """All kinds' candidates (or those of `kinds`), at most about `most`: a family is never cut, so it may be a few less.

    ValueError for a kind unknown, a file without `candidates`, or an id that occurs twice.
    """
    modules = found()
    wanted = list(modules) if kinds is None else list(dict.fromkeys(kinds))
    for name in wanted:
        if name not in modules:
            raise ValueError(f"no kind of policy is called {name!r}; there are: {', '.join(modules)}")
        if not hasattr(modules[name], "candidates"):
            raise ValueError(f"policies/kinds/{name}.py needs a function candidates(replay)")
    families = {name: _families(modules[name], replay) for name in wanted}
    _check_ids(families)
    taken = _fairly(families, most)
    counts = {name: (sum(map(len, families[name])), sum(map(len, families[name][: taken[name]]))) for name in wanted}
    policies = [p for name in wanted for family in families[name][: taken[name]] for p in family]
    return Collected(tuple(policies), counts)


def all_candidates(replay: Replay, kinds: Sequence[str] | None = None, most: int = MOST) -> list[Policy]:
    """The policies of `collect`."""
    return list(collect(replay, kinds, most).policies)


def left_out(replay: Replay, kinds: Sequence[str] | None = None, most: int = MOST) -> str | None:
    """The note of `collect`."""
    return collect(replay, kinds, most).note


def not_measured(replay: Replay) -> list[str]:
    """Sentences on what these kinds can't be replayed for, as the run has no data."""
    said = [module.not_measured(replay) for module in found().values() if hasattr(module, "not_measured")]
    return [sentence for sentence in said if sentence]


def _families(module: ModuleType, replay: Replay) -> list[list[Policy]]:
    families: dict[str, list[Policy]] = {}
    for policy in module.candidates(replay):
        families.setdefault(policy.family, []).append(policy)
    return list(families.values())


def _check_ids(families: dict[str, list[list[Policy]]]) -> None:
    seen: dict[object, str] = {}
    for name, groups in families.items():
        for policy in (policy for group in groups for policy in group):
            identity = (policy.family, policy.setting)
            if identity in seen:
                raise ValueError(
                    f"two policies are called {policy.family} with setting {policy.setting}: "
                    f"in policies/kinds/{seen[identity]}.py and policies/kinds/{name}.py"
                )
            seen[identity] = name


def _fairly(families: dict[str, list[list[Policy]]], most: int) -> dict[str, int]:
    """How many families of each kind to take: the next one is of the kind with the fewest policies so far."""
    taken, size = dict.fromkeys(families, 0), dict.fromkeys(families, 0)
    open_, total = list(families), 0
    while open_:
        name = min(open_, key=lambda kind: size[kind])
        number = taken[name]
        if number == len(families[name]) or total + len(families[name][number]) > most:
            open_.remove(name)
            continue
        taken[name] += 1
        size[name] += len(families[name][number])
        total += len(families[name][number])
    return taken
