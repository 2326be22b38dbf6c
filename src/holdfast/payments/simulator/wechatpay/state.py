"""What WeChat Pay remembers: who is who, orders, receipts, refunds, bills on their way, callbacks."""

from __future__ import annotations

from pathlib import Path

import msgspec

from holdfast.payments.simulator import callbacks
from holdfast.payments.simulator.memory import Memory

from .keys import Identity, new_identity

SCHEMA = """
create table if not exists identity (only integer primary key check (only = 1), json text not null);
create table if not exists orders (
    out_trade_no text primary key, token text not null unique, trade_type text not null, request text not null,
    description text not null, total integer not null, currency text not null, notify_url text not null,
    attach text not null, signer text not null, created_at real not null, linked_at real not null,
    expires_at real not null, closed_at real, begun_at real
) strict;
create table if not exists receipts (
    seq integer primary key, transaction_id text not null unique, out_trade_no text not null references orders,
    paid_at real not null, total integer not null, payer_total integer not null, openid text not null
) strict;
create index if not exists receipts_of_order on receipts (out_trade_no);
create index if not exists receipts_by_time on receipts (paid_at);
create table if not exists refunds (
    out_refund_no text primary key, refund_id text not null unique, out_trade_no text not null references orders,
    transaction_id text not null references receipts (transaction_id), request text not null, amount integer not null,
    notify_url text not null, signer text not null, status text not null, created_at real not null, settles_at real,
    settled_at real
) strict;
create index if not exists refunds_of_order on refunds (out_trade_no);
create index if not exists refunds_of_receipt on refunds (transaction_id);
create index if not exists refunds_by_time on refunds (created_at);
create index if not exists refunds_due on refunds (settles_at) where status = 'PROCESSING';
create table if not exists bill_files (token text primary key, content blob not null, made_at real not null) strict;
"""


class State(Memory):
    """The file ``wechatpay.sqlite3``."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        super().__init__(directory / "wechatpay.sqlite3", SCHEMA + callbacks.SCHEMA, durable=durable)

    def identity(self) -> Identity:
        """The identity of this state, made at the first start."""
        with self.writing() as db:
            row = db.execute("select json from identity").fetchone()
            if row is not None:
                return msgspec.json.decode(row["json"], type=Identity)
            fresh = new_identity()
            db.execute("insert into identity values (1, ?)", (msgspec.json.encode(fresh).decode(),))
            return fresh

    def replace_identity(self, identity: Identity) -> None:
        """Remember new keys."""
        with self.writing() as db:
            db.execute("update identity set json = ?", (msgspec.json.encode(identity).decode(),))

    def reset(self) -> None:
        """Forget everything but the identity."""
        self.forget("callbacks", "bill_files", "refunds", "receipts", "orders")
