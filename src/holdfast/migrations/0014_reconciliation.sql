-- Reconciliation: the providers' bills as they came, and every difference between a bill, our payments and our books.
-- depends: 0013_subscriptions
set lock_timeout = '5s';

create table payments.bills (
  provider      text not null,
  day           date not null,
  state         text not null default 'wanted' check (state in ('wanted', 'fetched', 'missing')),
  digest        text,
  content       text,
  fetched_at    timestamptz,
  row_count     int not null default 0,
  totals        jsonb not null default '{}',
  tries         int not null default 0,
  next_try_at   timestamptz,
  error         text,
  reconciled_at timestamptz,
  looked_again_at timestamptz,
  figures       jsonb not null default '{}',
  constraint one_bill primary key (provider, day),
  constraint fetched_has_rows check ((state = 'fetched') = (fetched_at is not null and content is not null))
);
create index bills_due on payments.bills (next_try_at) where next_try_at is not null;
comment on column payments.bills.day is 'A day of the provider: Beijing time for Chinese providers, UTC for Stripe.';
comment on column payments.bills.state is 'Missing: the provider says that there is none, or that the day had nothing.';
comment on column payments.bills.content is 'SHA-256 of what the rows say, apart from the status of refunds: two files of the same content are the same bill.';
comment on column payments.bills.totals is 'What the rows add up to, by currency. figures: what the last comparison of bill, payments and ledger gave.';

create table payments.bill_rows (
  provider        text not null,
  day             date not null,
  number          int not null,
  merchant_ref    text not null,
  provider_txn    text,
  refund_ref      text,
  provider_refund text,
  amount_minor    bigint not null check (amount_minor >= 0),
  currency        char(3) not null,
  fee_minor       bigint not null default 0 check (fee_minor >= 0),
  occurred_at     timestamptz,
  status          text,
  repeats         boolean not null default false,
  fees_journal    uuid,
  constraint one_bill_row primary key (provider, day, number),
  constraint row_of_a_bill foreign key (provider, day) references payments.bills (provider, day)
);
create index bill_rows_payment on payments.bill_rows (provider, merchant_ref);
create index bill_rows_refund on payments.bill_rows (provider, refund_ref) where refund_ref is not null;
create index bill_rows_fees on payments.bill_rows (fees_journal) where fees_journal is not null;
comment on column payments.bill_rows.repeats is 'The same receipt or refund stands in a bill already: counted once, and shown as a difference.';
comment on column payments.bill_rows.fees_journal is 'The journal in which the fee of this row was booked.';

create table payments.recon_items (
  id           uuid primary key default gen_random_uuid(),
  provider     text not null,
  day          date not null,
  kind         text not null,
  subject      text not null,
  attempt_id   uuid references payments.attempts (id),
  refund_id    uuid references payments.refunds (id),
  receipt_id   uuid references payments.second_receipts (id),
  row_number   int,
  merchant_ref text,
  provider_txn text,
  refund_ref   text,
  ours_minor   bigint,
  theirs_minor bigint,
  ledger_minor bigint,
  currency     char(3),
  noted_at     timestamptz not null,
  asked_at     timestamptz,
  answer       text,
  state        text not null default 'open' check (state in ('open', 'resolved')),
  resolution   text check (resolution in ('auto', 'manual', 'forced')),
  note         text,
  journal_id   uuid,
  turn         smallint not null default 0,
  by           text,
  at           timestamptz,
  constraint recon_item_once unique (provider, day, kind, subject),
  constraint recon_item_resolved check ((state = 'resolved') = (resolution is not null and by is not null and at is not null))
);
create index recon_items_open on payments.recon_items (day, id) where state = 'open';
create index recon_items_subject on payments.recon_items (subject);
comment on table payments.recon_items is 'One difference between a bill, our payments and the ledger. Amounts are what each side says; null: it says nothing.';
comment on column payments.recon_items.subject is 'attempt:…, receipt:…, refund:…, journal:…, row:… or bill:…: what it is about. Unique with day and kind, so that looking again notes nothing twice.';
comment on column payments.recon_items.turn is 'How often it was opened again: a new turn books under a new key.';

create index attempts_paid on payments.attempts (provider, paid_at) where state = 'succeeded';
create index refunds_finished on payments.refunds (finished_at) where state = 'succeeded';
