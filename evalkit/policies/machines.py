"""What a million tokens cost on machines of one's own, and from which volume on they are cheaper than a price.

Over a month one set of machines costs G = gpus * price * hours, whether it is busy or not; people cost S; the set serves
C = tokens_per_s * 3600 * hours * utilisation. A million tokens cost (G + S) / C; a volume V takes n = ceil(V / C) sets and
costs n G + S, against V p at the price p. Everything is a range over what the file holds possible, never one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from evalkit.types import Hosting, Range

MILLION = 1e6
STEPS = 20  # points of the curve: 5 % to 100 % busy
Limits = tuple[float | None, float | None]  # None: never


@dataclass(frozen=True)
class Point:
    """At one utilisation: cost of a million tokens (low, high), and the break-even volumes in million tokens a month.

    `first`: from this volume on hosting is cheaper for a while (until the next set of machines is needed). `for_good`: from
    this one on it stays so. Each (low, high) over the other ranges; None: never; both None without a price to compare.
    """

    utilisation: float
    cost: Range
    first: Limits
    for_good: Limits


@dataclass(frozen=True)
class HostingCurve:
    """Hosting over utilisation. `points` is empty and `stated` None where the throughput was not measured.

    `stated`: the point over the whole range of utilisation that the file states; its own is the middle of it. `capacity`:
    million tokens a month of one set of machines. `counted`: which tokens. `api`: the price compared with, per million.
    """

    currency: str
    counted: str
    points: tuple[Point, ...]
    stated: Point | None
    capacity: Range | None
    api: Range | None


def hosting_curve(hosting: Hosting, api: Range | None = None, currency: str | None = None) -> HostingCurve:
    """The curve, and break-even volumes against an API's price of a million such tokens (`counted`), (low, high).

    ValueError where the price is in another currency.
    """
    if api is not None and currency != hosting.currency:
        raise ValueError(f"hosting is in {hosting.currency} and the price in {currency}: convert one of them")
    if hosting.tokens_per_s is None:
        return HostingCurve(hosting.currency, hosting.counted, (), None, None, api)
    low, high = hosting.utilisation
    busy = sorted({step / STEPS for step in range(1, STEPS + 1)} | {low, high})
    return HostingCurve(
        currency=hosting.currency,
        counted=hosting.counted,
        points=tuple(_point(hosting, (share, share), api) for share in busy),
        stated=_point(hosting, (low, high), api),
        capacity=(_capacity(hosting, low, 0), _capacity(hosting, high, 1)),
        api=api,
    )


def monthly(hosting: Hosting, end: int) -> tuple[float, float]:
    """What one set of machines and the people cost a month, at the low (0) or high (1) end of the ranges."""
    machines = hosting.gpus * hosting.price_per_gpu_hour[end] * hosting.hours_per_month
    return machines, hosting.staff_per_month[end]


def first_volume(machines: float, staff: float, capacity: float, price: float) -> float | None:
    """The least volume at which own machines cost no more than the price; None where they never do.

    With n sets they do from (n G + S) / p on, if n sets serve that: n (C p - G) >= S.
    """
    gain = capacity * price - machines
    if gain <= 0:
        return None if machines + staff > 0 else 0.0
    return (max(ceil(staff / gain), 1) * machines + staff) / price


def lasting_volume(machines: float, staff: float, capacity: float, price: float) -> float | None:
    """The least volume from which on own machines never cost more again; None where there is none.

    Where n sets are full, the next one must pay at once: (n + 1) G + S <= n C p, thus n >= (S + G) / (C p - G).
    """
    gain = capacity * price - machines
    if gain <= 0:
        return None if machines + staff > 0 else 0.0
    return (max(ceil((staff + machines) / gain), 1) * machines + staff) / price


def _capacity(hosting: Hosting, utilisation: float, end: int) -> float:
    """Million tokens that one set serves in a month."""
    speed = hosting.tokens_per_s or (0.0, 0.0)
    return speed[end] * 3600 * hosting.hours_per_month * utilisation / MILLION


def _point(hosting: Hosting, utilisation: Range, api: Range | None) -> Point:
    """All figures fall with capacity and price and rise with what is paid, so their ends lie at the ranges' ends."""
    capacity = _capacity(hosting, utilisation[0], 0), _capacity(hosting, utilisation[1], 1)
    cheap, dear = monthly(hosting, 0), monthly(hosting, 1)
    first: Limits = (None, None)
    for_good: Limits = (None, None)
    if api is not None:
        best, worst = (*cheap, capacity[1], api[1]), (*dear, capacity[0], api[0])
        first = first_volume(*best), first_volume(*worst)
        for_good = lasting_volume(*best), lasting_volume(*worst)
    cost = sum(cheap) / capacity[1], sum(dear) / capacity[0]
    return Point(sum(utilisation) / 2, cost, first, for_good)
