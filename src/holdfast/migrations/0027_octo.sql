-- Those who sell what we have: on which terms, what they booked under which name of their own, and what they owe for it.
-- depends: 0026_feeds
set lock_timeout = '5s';

create table partners.terms (
  partner_id       text primary key references partners.partners (id),
  selling          boolean not null,
  commission_bp    int not null check (commission_bp between 0 and 10000),
  product_ids      text[],
  requests_per_s   int not null check (requests_per_s between 1 and 10000),
  holds_max        int not null check (holds_max between 1 and 100000),
  places_per_slot  int check (places_per_slot > 0),
  hold_minutes     int not null check (hold_minutes between 1 and 1440),
  hold_minutes_max int not null check (hold_minutes_max between 1 and 10080),
  credit_minor     bigint check (credit_minor >= 0),
  redeem_venues    text[] not null default '{}',
  changed_by       text not null,
  changed_at       timestamptz not null,
  constraint terms_hold check (hold_minutes <= hold_minutes_max)
);
comment on table partners.terms is 'The terms of a reseller as they are now; who changed them, when and why stands in the audit trail. No row: the usual terms.';
comment on column partners.terms.product_ids is 'The products it may see and sell; null: all that is on sale.';
comment on column partners.terms.commission_bp is 'Its part of the price, in basis points. It owes the rest: the net price.';
comment on column partners.terms.redeem_venues is 'The venues at whose gates its programs may let people in: for those who run the gates, not for resellers.';
comment on column partners.terms.credit_minor is 'It may owe so much; null: no bound.';

create table partners.statement_lines (
  partner_id    text not null references partners.partners (id),
  seq           bigint generated always as identity,
  kind          text not null check (kind in ('sale', 'change', 'cancellation', 'payment')),
  subject       text not null,
  journal_key   text not null,
  at            timestamptz not null,
  retail_minor  bigint not null,
  net_minor     bigint not null,
  kept_minor    bigint not null default 0 check (kept_minor >= 0),
  currency      char(3) not null,
  tickets       int not null,
  details       jsonb not null default '{}',
  primary key (partner_id, seq),
  constraint statement_line_journal unique (journal_key)
);
create index statement_lines_at on partners.statement_lines (partner_id, at);
create index statement_lines_subject on partners.statement_lines (subject);
comment on table partners.statement_lines is 'What a reseller''s account was charged (net_minor above zero) and credited; each line is one journal of the ledger.';
comment on column partners.statement_lines.kept_minor is 'What a cancellation or change kept of the price, as a fee.';

create table orders.resales (
  order_id           uuid primary key references orders.orders (id),
  partner_id         text not null references partners.partners (id),
  uuid               uuid not null,
  content            bytea not null,
  is_test            boolean not null,
  test_state         text check (test_state in ('held', 'confirmed', 'cancelled')),
  product_id         text not null references catalogue.products (id),
  commission_bp      int not null,
  reseller_reference text,
  notes              bytea,
  contact            bytea,
  held_until         timestamptz not null,
  confirmed_at       timestamptz,
  cancelled_at       timestamptz,
  cancel_reason      text,
  refund             text check (refund in ('FULL', 'PARTIAL', 'NONE')),
  updated_at         timestamptz not null,
  constraint resale_uuid unique (partner_id, uuid),
  constraint resale_test check (is_test = (test_state is not null))
);
create index resales_reference on orders.resales (partner_id, reseller_reference) where reseller_reference is not null;
comment on table orders.resales is 'What an order of a reseller has besides: the name it gave it, which makes asking twice harmless, and what it says of its customer.';
comment on column orders.resales.content is 'Keyed hash of what was asked for when it was reserved: the same again is the same booking.';
comment on column orders.resales.contact is 'Who booked, as the reseller says: sealed JSON. Null: forgotten.';
comment on column orders.resales.test_state is 'A trial takes no places, admits nobody and costs nothing: its order is cancelled at once, and its state stands here.';

create table orders.resale_items (
  order_id           uuid not null references orders.resales (order_id),
  seq                int not null,
  uuid               uuid not null,
  line_seq           smallint not null,
  unit               text not null,
  retail_minor       bigint not null check (retail_minor >= 0),
  reseller_reference text,
  contact            bytea,
  live               boolean not null default true,
  primary key (order_id, seq)
);
create unique index resale_item_uuid on orders.resale_items (order_id, uuid) where live;
comment on table orders.resale_items is 'One ticket of a reseller''s booking: a line of the order for one.';
comment on column orders.resale_items.contact is 'Whom the ticket is for, as the reseller says, without the number of the document: sealed JSON. Null: forgotten.';

create table orders.resale_gates (
  partner_id text not null references partners.partners (id),
  venue_id   text not null references catalogue.venues (id),
  device_id  uuid not null unique references passes.devices (id),
  primary key (partner_id, venue_id)
);
comment on table orders.resale_gates is 'The device in the list of gates as which a partner''s program lets people in at a venue: staff see it there and can revoke it.';
