-- After the sale: orders of which a part goes back, that move to another date, that are paid in more than one payment, and invoices.
-- depends: 0016_credentials
set lock_timeout = '5s';

alter table orders.orders add column ticket_version int not null default 1 check (ticket_version > 0);
alter table orders.lines add column part text not null default 'current' check (part in ('current', 'awaited', 'left'));
alter table orders.lines add constraint line_left check (part <> 'left' or not live);
alter table orders.travellers add column part text not null default 'current' check (part in ('current', 'awaited', 'left'));
alter table orders.travellers add constraint traveller_left check (part <> 'left' or not live);
comment on column orders.orders.ticket_version is 'Codes of tickets that say a lower version are void.';
comment on column orders.orders.amount_minor is 'What the order costs as it stands: the sum of its current lines.';
comment on column orders.lines.part is 'current: what the order is for. awaited: the new slot of a change whose difference is not paid yet; it holds places too. left: was cancelled or changed.';
comment on column orders.travellers.part is 'As of lines. An awaited traveller is not live while the current one holds the document on the same day.';
comment on column catalogue.products.cancel_rule is
  '{"text": {zh, en}, "days_before" and "time" of the venue, or "minutes_before_start": free until then; "later_kept_percent": kept from then until the start, else all of it; "change_allowed", "change_minutes_before_start", "change_fee_minor" for each ticket}.';

create table orders.benefits (
  id         uuid primary key,
  kind       text not null check (kind in ('free_change')),
  order_id   uuid references orders.orders (id),
  account_id uuid references accounts.accounts (id),
  reason     text not null,
  granted_by text not null,
  granted_at timestamptz not null,
  expires_at timestamptz not null,
  used_at    timestamptz,
  constraint benefit_of_one check (num_nonnulls(order_id, account_id) = 1)
);
create index benefits_order on orders.benefits (order_id) where order_id is not null;
create index benefits_account on orders.benefits (account_id) where account_id is not null;
comment on table orders.benefits is 'What staff granted, to one order or to a person: used once.';

create table orders.changes (
  id           uuid primary key,
  order_id     uuid not null references orders.orders (id),
  seq          smallint not null,
  state        text not null check (state in ('awaiting_payment', 'done', 'lapsed', 'withdrawn')),
  from_slot    uuid not null references inventory.slots (id),
  to_slot      uuid not null references inventory.slots (id),
  old_minor    bigint not null check (old_minor >= 0),
  new_minor    bigint not null check (new_minor >= 0),
  fee_minor    bigint not null check (fee_minor >= 0),
  due_minor    bigint not null,
  currency     char(3) not null,
  benefit_id   uuid references orders.benefits (id),
  intent_id    uuid references payments.intents (id),
  asked_by     text not null,
  asked_at     timestamptz not null,
  expires_at   timestamptz,
  ended_at     timestamptz,
  constraint change_seq unique (order_id, seq),
  constraint change_intent unique (intent_id),
  constraint change_due check (due_minor = new_minor + fee_minor - old_minor and from_slot <> to_slot),
  constraint change_paid check ((due_minor > 0) = (intent_id is not null)),
  constraint change_ended check ((state = 'awaiting_payment') = (ended_at is null))
);
create unique index change_under_way on orders.changes (order_id) where state = 'awaiting_payment';
create index changes_expiring on orders.changes (expires_at) where state = 'awaiting_payment';
comment on column orders.changes.due_minor is 'What the change costs: more than zero is paid with intent_id, less than zero goes back.';

create view orders.intents as
  select id as order_id, intent_id, 0 as seq from orders.orders where intent_id is not null
  union all
  select order_id, intent_id, seq from orders.changes where intent_id is not null;
comment on view orders.intents is 'Every payment of an order: that of its placing, and one for each change that cost more.';

create table orders.invoices (
  id           uuid primary key,
  order_id     uuid not null references orders.orders (id),
  seq          smallint not null,
  kind         text not null check (kind in ('blue', 'red')),
  reverses     uuid references orders.invoices (id),
  state        text not null default 'requested' check (state in ('requested', 'issued')),
  issuer       text not null,
  number       text,
  buyer_kind   text not null check (buyer_kind in ('person', 'company')),
  buyer_title  text not null,
  buyer_code   text not null default '',
  seller_title text not null,
  seller_code  text not null,
  email        bytea not null,
  email_masked text not null,
  lines        jsonb not null,
  net_minor    bigint not null,
  tax_minor    bigint not null,
  total_minor  bigint not null,
  currency     char(3) not null,
  requested_by text not null,
  requested_at timestamptz not null,
  issued_at    timestamptz,
  constraint invoice_seq unique (order_id, seq),
  constraint invoice_number unique (issuer, number),
  constraint invoice_sum check (net_minor + tax_minor = total_minor and (kind = 'blue') = (total_minor > 0)),
  constraint invoice_red check ((kind = 'red') = (reverses is not null)),
  constraint invoice_issued check ((state = 'issued') = (number is not null and issued_at is not null))
);
create index invoices_reverses on orders.invoices (reverses) where reverses is not null;
comment on column orders.invoices.kind is 'Blue: for money that came. Red: takes back part or all of a blue one when money goes back; its sums are negative.';
