-- Orders and the one statement that places many of them.
-- depends: 0006_payments
set lock_timeout = '5s';

create schema orders;

create table orders.orders (
  id            uuid primary key,
  number        text not null,
  account_id    uuid not null,
  state         text not null
                check (state in ('held', 'awaiting_payment', 'confirmed', 'used', 'cancelled', 'expired')),
  amount_minor  bigint not null check (amount_minor >= 0),
  currency      char(3) not null,
  phone         bytea not null,
  phone_index   bytea not null,
  phone_masked  text not null,
  locale        text not null,
  channel       text not null,
  placed_at     timestamptz not null,
  expires_at    timestamptz,
  confirmed_at  timestamptz,
  intent_id     uuid,
  constraint order_number unique (number),
  constraint order_account foreign key (account_id) references accounts.accounts (id),
  constraint order_intent foreign key (intent_id) references payments.intents (id)
);
create index orders_account on orders.orders (account_id, id desc);
create index orders_expiring on orders.orders (expires_at) where state in ('held', 'awaiting_payment');
create index orders_intent on orders.orders (intent_id) where intent_id is not null;

create table orders.lines (
  order_id   uuid not null references orders.orders (id),
  seq        smallint not null,
  slot_id    uuid not null references inventory.slots (id),
  price_id   text not null,
  quantity   int not null check (quantity > 0),
  places     int not null check (places >= 0),
  unit_minor bigint not null check (unit_minor >= 0),
  live       boolean not null default true,
  primary key (order_id, seq)
);
create index lines_slot on orders.lines (slot_id) where live;

create table orders.travellers (
  order_id       uuid not null references orders.orders (id),
  seq            smallint not null,
  line_seq       smallint not null,
  venue_id       text not null,
  visit_date     date not null,
  name           bytea not null,
  name_masked    text not null,
  document_type  text not null,
  document       bytea not null,
  document_index bytea not null,
  document_last4 text not null,
  once           boolean not null,
  live           boolean not null default true,
  primary key (order_id, seq)
);
create unique index document_once_a_day on orders.travellers (visit_date, venue_id, document_index) where live and once;

create table orders.events (
  order_id uuid not null references orders.orders (id),
  seq      smallint not null,
  kind     text not null,
  at       timestamptz not null,
  actor    text not null,
  details  jsonb not null default '{}',
  primary key (order_id, seq)
);

create type orders.placing as (
  n int, account_id uuid, key text, body_hash bytea, order_id uuid, number text, phone bytea, phone_index bytea,
  phone_masked text, locale text, channel text, actor text);
create type orders.placing_line as (n int, seq smallint, slot_id uuid, price_id text, quantity int, quoted_minor bigint, people int,
  document_types text[]);
create type orders.placing_traveller as (
  n int, seq smallint, line_seq smallint, slot_id uuid, name bytea, name_masked text, document_type text, document bytea,
  document_index bytea, document_last4 text);
