from collections import defaultdict
from datetime import datetime
from typing import Any

from listings.models import Pool
from marketplace.trading.models import IndexPoint, PriceCurve, Round
from marketplace.trading.outcomes import units_by_slot


def publish_prices(settled: Round, book: dict[str, Any], result: dict[str, Any], *, now: datetime) -> None:
    """Write down the round's prices, volumes and offers, and its points of the price index.

    Part of settling a round, in its transaction.
    """
    offered, sold = units_by_slot(book, result)
    curves = [
        PriceCurve(
            round=settled,
            pool_id=pool,
            prices=result["prices"][row],
            volumes=sold[row].tolist(),
            offered=offered[row].tolist(),
        )
        for row, pool in enumerate(settled.pool_ids)
    ]
    curves += [
        PriceCurve(
            round=settled,
            plan_id=plan,
            prices=result["prices"][row][:1],
            volumes=[int(sold[row, 0])],
            offered=[int(offered[row, 0])],
        )
        for row, plan in enumerate(settled.plan_ids, start=len(settled.pool_ids))
    ]
    PriceCurve.objects.bulk_create(curves)
    IndexPoint.objects.bulk_create(_index_points(settled, curves, now))


def _index_points(settled: Round, curves: list[PriceCurve], now: datetime) -> list[IndexPoint]:
    accelerators = dict(Pool.objects.filter(pk__in=settled.pool_ids).values_list("pk", "accelerator_id"))
    unit_hours: dict[int, int] = defaultdict(int)
    value: dict[int, int] = defaultdict(int)
    for curve in curves:
        if curve.pool_id is not None and any(curve.volumes):
            accelerator = accelerators[curve.pool_id]
            unit_hours[accelerator] += sum(curve.volumes)
            value[accelerator] += sum(
                price * volume for price, volume in zip(curve.prices, curve.volumes, strict=True)
            )
    return [
        IndexPoint(
            round=settled,
            accelerator_id=accelerator,
            at=now,
            unit_hours=unit_hours[accelerator],
            value=value[accelerator],
        )
        for accelerator in sorted(unit_hours)
    ]
