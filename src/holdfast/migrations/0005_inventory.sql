-- Places. A slot is one row of counters; its capacity is computed from dated policies and never edited by hand.
-- depends: 0004_catalogue
set lock_timeout = '5s';

create schema inventory;

create table inventory.policies (
  id         uuid primary key,
  venue_id   text not null references catalogue.venues (id),
  product_id text references catalogue.products (id),
  from_date  date not null,
  to_date    date,
  weekdays   int[] not null default '{}',
  kind       text not null check (kind in ('absolute', 'percent', 'closed', 'paused')),
  value      int not null default 0 check (value >= 0),
  reason     jsonb not null default '{}',
  authority  text not null default '',
  provenance jsonb not null default '{}',
  supersedes uuid references inventory.policies (id),
  issued_at  timestamptz not null,
  origin     text not null default ''
);
create unique index policy_origin on inventory.policies (venue_id, origin) where origin <> '';
create index policies_venue on inventory.policies (venue_id, from_date);
comment on table inventory.policies is 'Dated rules on a day''s capacity: absolute places, percent in basis points of the smallest absolute, closed, paused. The minimum of all that apply holds; where a row and the one it supersedes both apply, only the newer counts.';
comment on column inventory.policies.weekdays is 'ISO weekdays, Monday = 1, on which the rule applies; empty: every day.';
comment on column inventory.policies.origin is 'Stable name of the statement this row came from, so that an import recognises it.';

create table inventory.slots (
  id             uuid primary key,
  product_id     text not null references catalogue.products (id),
  venue_id       text not null references catalogue.venues (id),
  visit_date     date not null,
  code           text not null,
  starts_at      timestamptz not null,
  ends_at        timestamptz not null,
  sale_opens_at  timestamptz not null,
  sale_closes_at timestamptz not null,
  state          text not null default 'open' check (state in ('open', 'closed', 'paused')),
  reason         jsonb not null default '{}',
  capacity       int not null check (capacity >= 0),
  overcommitted  int not null default 0 check (overcommitted >= 0),
  taken          int not null default 0,
  constraint slot_full check (taken between 0 and capacity + overcommitted),
  constraint slot_unique unique (product_id, visit_date, code)
) with (fillfactor = 50);
create index slots_venue_day on inventory.slots (venue_id, visit_date);
create index slots_day on inventory.slots (visit_date);
comment on column inventory.slots.overcommitted is 'Places already sold above a capacity that was cut later; only a cut writes it.';

create function inventory.lock_many(ids uuid[]) returns void language sql as $$
  select count(*) from (select 1 from inventory.slots where id = any (ids) order by id for no key update) locked;
$$;
comment on function inventory.lock_many is 'Locks slots in id order, so that two batches never wait for each other in a circle.';

create function inventory.take_many(ids uuid[], places int[]) returns void language sql as $$
  update inventory.slots s set taken = s.taken + t.places from unnest(ids, places) as t (id, places) where s.id = t.id;
$$;

create function inventory.release_many(ids uuid[], places int[]) returns void language sql as $$
  update inventory.slots s set taken = s.taken - t.places from unnest(ids, places) as t (id, places) where s.id = t.id;
$$;
