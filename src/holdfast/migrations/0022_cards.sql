-- Cards: what somebody may visit for one price, entitlement by entitlement, and what became of each use of it.
-- depends: 0021_partners
set lock_timeout = '5s';

create schema if not exists passes;

alter table catalogue.prices add column per_main int check (per_main between 1 and 50);
comment on column catalogue.prices.per_main is 'For companions: at most so many with each ticket of the product that is not for companions. Null: a ticket of its own.';

create table passes.products (
  id         text not null references catalogue.products (id),
  version    int not null check (version > 0),
  rules      jsonb not null,
  made_by    text not null,
  made_at    timestamptz not null,
  primary key (id, version)
);
comment on table passes.products is 'What a card holds and which rules it has, by version. The newest is sold; a card keeps the version it was bought in.';
create trigger products_stay before update or delete or truncate on passes.products for each statement execute function changes.refuse_rewriting();

create table passes.cards (
  id            uuid primary key,
  number        text not null,
  product_id    text not null,
  version       int not null,
  order_id      uuid not null,
  order_number  text not null,
  holder_seq    smallint not null,
  account_id    uuid not null references accounts.accounts (id),
  state         text not null default 'issued' check (state in ('issued', 'active', 'suspended', 'exhausted', 'expired', 'refunded')),
  paid_minor    bigint not null check (paid_minor >= 0),
  list_minor    bigint not null check (list_minor >= 0),
  currency      char(3) not null,
  issued_at     timestamptz not null,
  activate_by   date,
  activated_at  timestamptz,
  valid_from    date,
  valid_to      date,
  first_used_at timestamptz,
  valid_until   timestamptz,
  suspended_why text not null default '',
  ended_at      timestamptz,
  constraint card_number unique (number),
  constraint card_once unique (order_id, holder_seq),
  constraint card_version foreign key (product_id, version) references passes.products (id, version),
  constraint card_activated check (state <> 'issued' or activated_at is null),
  constraint card_suspended check ((state = 'suspended') = (suspended_why <> '')),
  constraint card_ended check ((state in ('exhausted', 'expired', 'refunded')) = (ended_at is not null)),
  constraint card_days check (valid_to >= valid_from)
);
create index cards_account on passes.cards (account_id, id desc);
create index cards_order_number on passes.cards (order_number);
create index cards_open on passes.cards (issued_at) where state in ('issued', 'active');
comment on column passes.cards.order_id is 'The order it was bought with; orders are above and look after that themselves.';
comment on column passes.cards.list_minor is 'What all that it holds would have cost at list prices on the day it was bought, for its whole party; 0 for an unlimited card.';
comment on column passes.cards.valid_until is 'For a validity in hours: the moment itself; valid_from and valid_to are days on the card''s clock.';

create table passes.card_people (
  card_id        uuid not null references passes.cards (id),
  seq            smallint not null,
  kind           text not null check (kind in ('adult', 'child')),
  name           bytea,
  name_masked    text not null,
  document_type  text not null,
  document       bytea,
  document_last4 text not null,
  primary key (card_id, seq)
);
comment on table passes.card_people is 'Who the card is for; 1 is its holder. Names and documents go some weeks after the card is over.';

create table passes.entitlements (
  card_id   uuid not null references passes.cards (id),
  item      text not null,
  venue_id  text not null references catalogue.venues (id),
  prices    jsonb not null,
  uses_max  int check (uses_max > 0),
  held      int not null default 0 check (held >= 0),
  used      int not null default 0 check (used >= 0),
  primary key (card_id, item),
  constraint entitlement_used_up check (held + used <= uses_max)
);
comment on column passes.entitlements.prices is 'Products of the catalogue that it covers -> the list price of one visit of the card''s whole party, on the day it was bought.';

create table passes.counters (
  card_id   uuid not null references passes.cards (id),
  code      text not null,
  uses_max  int not null check (uses_max > 0),
  held      int not null default 0 check (held >= 0),
  used      int not null default 0 check (used >= 0),
  primary key (card_id, code),
  constraint counter_used_up check (held + used <= uses_max)
);
comment on table passes.counters is 'What several items share: three of these five, forty-eight visits of the two springs together, a hundred in all.';

create table passes.uses (
  id           uuid primary key,
  card_id      uuid not null,
  item         text not null,
  state        text not null default 'held' check (state in ('held', 'used', 'released')),
  order_id     uuid not null,
  order_number text not null,
  line_seq     smallint not null,
  product_id   text not null references catalogue.products (id),
  slot_id      uuid not null,
  visit_date   date not null,
  starts_at    timestamptz not null,
  ends_at      timestamptz not null,
  people       int not null check (people > 0),
  list_minor   bigint not null check (list_minor >= 0),
  constraint use_of_entitlement foreign key (card_id, item) references passes.entitlements (card_id, item),
  constraint use_once unique (order_id, line_seq)
);
create index uses_card on passes.uses (card_id);
create index uses_order on passes.uses (order_number, line_seq);
create index uses_past on passes.uses (ends_at) where state = 'held';
comment on table passes.uses is 'One visit with a card: held when it is booked, used at the gate or when its time is over, released when it is given back.';

create table passes.use_events (
  use_id  uuid not null references passes.uses (id),
  seq     smallint not null,
  kind    text not null check (kind in ('held', 'used', 'undone', 'moved', 'released')),
  at      timestamptz not null,
  actor   text not null,
  details jsonb not null default '{}',
  primary key (use_id, seq)
);
create trigger use_events_stay before update or delete or truncate on passes.use_events for each statement execute function changes.refuse_rewriting();
comment on table passes.use_events is 'The ledger of uses: append-only; the state of a use is that of its last event.';

create table passes.card_events (
  card_id uuid not null references passes.cards (id),
  seq     smallint not null,
  kind    text not null,
  at      timestamptz not null,
  actor   text not null,
  details jsonb not null default '{}',
  primary key (card_id, seq)
);
create trigger card_events_stay before update or delete or truncate on passes.card_events for each statement execute function changes.refuse_rewriting();

-- Companions come with somebody: without a ticket of its own in the order, or more of them than it takes, nothing is placed.
call kit.edit_function('orders.place_many(json, json, json, timestamptz, interval, text[])', array[
  ['               when p.real_name and w.quantity <> w.people',
     '               when c.per_main is not null and sum(w.quantity) over (partition by w.n, s.product_id, c.id) > c.per_main
                    * coalesce(sum(w.quantity) filter (where c.per_main is null) over (partition by w.n, s.product_id), 0)
                    then jsonb_build_object(''problem'', ''too-many-companions'', ''fields'', jsonb_build_object(''price_id'', c.id, ''allowed'', c.per_main))
               when p.real_name and w.quantity <> w.people']]);
