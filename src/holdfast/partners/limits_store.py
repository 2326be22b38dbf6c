"""SQL of the terms on which partners sell."""

from __future__ import annotations

from datetime import datetime

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .limits_model import Terms


async def terms(tx: ReadTx, partner_id: str) -> Terms | None:
    return await tx.maybe(
        Terms,
        """select selling, commission_bp, product_ids, requests_per_s, holds_max, places_per_slot, hold_minutes,
                  hold_minutes_max, credit_minor, redeem_venues from partners.terms where partner_id = %(id)s""",
        id=partner_id,
    )


async def set_terms(tx: Tx, partner_id: str, given: Terms, by: str, at: datetime) -> None:
    await tx.execute(
        """insert into partners.terms (partner_id, selling, commission_bp, product_ids, requests_per_s, holds_max,
                                       places_per_slot, hold_minutes, hold_minutes_max, credit_minor, redeem_venues,
                                       changed_by, changed_at)
           values (%(id)s, %(selling)s, %(commission_bp)s, %(product_ids)s, %(requests_per_s)s, %(holds_max)s,
                   %(places_per_slot)s, %(hold_minutes)s, %(hold_minutes_max)s, %(credit_minor)s, %(redeem_venues)s, %(by)s, %(at)s)
           on conflict (partner_id) do update set selling = excluded.selling, commission_bp = excluded.commission_bp,
             product_ids = excluded.product_ids, requests_per_s = excluded.requests_per_s, holds_max = excluded.holds_max,
             places_per_slot = excluded.places_per_slot, hold_minutes = excluded.hold_minutes,
             hold_minutes_max = excluded.hold_minutes_max, credit_minor = excluded.credit_minor, redeem_venues = excluded.redeem_venues,
             changed_by = excluded.changed_by, changed_at = excluded.changed_at""",
        id=partner_id, by=by, at=at, **msgspec.structs.asdict(given),
    )  # fmt: skip
