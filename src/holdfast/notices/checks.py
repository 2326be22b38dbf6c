"""Invariants of notices."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Every delivered webhook has an attempt that its receiver accepted")
async def delivered_means_accepted(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select d.id, d.subscription_id, d.attempts from notices.deliveries d
           where d.state = 'delivered' and not exists (
               select 1 from notices.delivery_attempts a where a.delivery_id = d.id and a.status between 200 and 299) limit 100"""
    )


@check("No webhook waits for a subscription that has ended")
async def nothing_waits_for_nobody(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select d.id, d.subscription_id from notices.deliveries d join notices.subscriptions s on s.id = d.subscription_id
           where d.state = 'waiting' and s.state = 'ended' limit 100"""
    )


@check("Every subscription that has not ended has one secret that does not expire")
async def everybody_can_verify(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select s.id, s.url from notices.subscriptions s where s.state <> 'ended' and 1 <> (
               select count(*) from notices.signing_secrets k where k.subscription_id = s.id and k.expires_at is null) limit 100"""
    )


@check("Every attempt at a webhook was counted")
async def attempts_are_counted(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select d.id, d.attempts, count(a.number) as recorded from notices.deliveries d
           left join notices.delivery_attempts a on a.delivery_id = d.id
           group by d.id having d.attempts <> count(a.number) limit 100"""
    )


@check("Every message that has a code is made from a wording we keep")
async def messages_have_wordings(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select m.id, m.template from notices.messages m left join notices.wordings w on w.digest = m.wording
           where m.check_code is not null and w.digest is null limit 100"""
    )


@check("Every heap of reports has as many as it counts")
async def reports_are_counted(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select c.id, c.reports, count(r.id) as kept from notices.report_clusters c
           left join notices.reports r on r.cluster_id = c.id group by c.id having c.reports <> count(r.id) limit 100"""
    )
