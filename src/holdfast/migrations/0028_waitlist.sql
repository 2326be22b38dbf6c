-- Waiting for places that come free, with offers in the order of arrival; figures for planning; what does not work, said from any page.
-- depends: 0027_octo
set lock_timeout = '5s';

alter table inventory.slots
  add column is_waited_for boolean not null default false,
  add column kept          int not null default 0 check (kept >= 0);
comment on column inventory.slots.is_waited_for is 'Somebody waits for places here: what comes free is set aside for them in the same statement.';
comment on column inventory.slots.kept is 'Of the places set aside, how many came free while somebody waited. Never more than are there.';

create function inventory.keep_for_waiting() returns trigger language plpgsql as $$
declare
  gained int := old.taken - new.taken;
  spare  int := new.capacity - new.taken - new.set_aside;
begin
  if gained > 0 and spare > 0 then
    new.set_aside := new.set_aside + least(gained, spare);
    new.kept := new.kept + least(gained, spare);
  elsif spare < 0 then  -- a cut, or a desk that took its places back: what is kept is the first to go
    new.set_aside := new.set_aside - least(new.kept, -spare);
    new.kept := new.kept - least(new.kept, -spare);
  end if;
  new.kept := least(new.kept, new.set_aside);
  return new;
end $$;
create trigger slots_keep_for_waiting before update on inventory.slots for each row when (old.is_waited_for and new.is_waited_for)
  execute function inventory.keep_for_waiting();

create function inventory.keep_what_was_added() returns trigger language plpgsql as $$
begin
  update inventory.slots s set set_aside = s.set_aside + g.places, kept = s.kept + g.places
    from (select least(new.capacity - old.capacity, c.capacity - c.taken - c.set_aside) as places
            from inventory.slots c where c.id = new.id and c.is_waited_for) g
   where s.id = new.id and g.places > 0;
  return null;
end $$;
comment on function inventory.keep_what_was_added is 'When capacity rises, whoever lost places to a cut comes first: what is left at the end of that transaction is kept for the waiting.';
create constraint trigger slots_keep_what_was_added after update of capacity on inventory.slots deferrable initially deferred
  for each row when (new.is_waited_for and new.capacity > old.capacity) execute function inventory.keep_what_was_added();

create function inventory.begin_waiting(slot uuid) returns void language sql as $$
  update inventory.slots set is_waited_for = true where id = slot and not is_waited_for;
$$;
create function inventory.draw_kept(slot uuid, wanted int) returns void language sql as $$
  update inventory.slots set set_aside = set_aside - least(kept, wanted), kept = kept - least(kept, wanted) where id = slot and kept > 0;
$$;
comment on function inventory.draw_kept is 'Places kept for the waiting go back on sale; in the transaction of an offer they are sold at once.';
create function inventory.end_waiting(slot uuid) returns void language sql as $$
  update inventory.slots set is_waited_for = false, set_aside = set_aside - kept, kept = 0 where id = slot and is_waited_for;
$$;

create table orders.waits (
  id          uuid primary key,
  place       bigint generated always as identity,
  key         text not null,
  account_id  uuid not null references accounts.accounts (id),
  slot_id     uuid not null references inventory.slots (id),
  tickets     jsonb not null,
  places      int not null check (places > 0),
  people      bytea,
  locale      text not null,
  state       text not null check (state in ('waiting', 'offered', 'taken', 'lapsed', 'declined', 'left', 'over')),
  order_id    uuid references orders.orders (id),
  joined_at   timestamptz not null,
  passed_at   timestamptz,
  passed_why  text not null default '',
  offered_at  timestamptz,
  until_at    timestamptz,
  ended_at    timestamptz,
  constraint wait_key unique (account_id, key),
  constraint wait_ended check ((state in ('waiting', 'offered')) = (ended_at is null)),
  constraint wait_offered check ((order_id is not null) = (state in ('offered', 'taken', 'lapsed', 'declined'))
                                 and (order_id is null) = (offered_at is null)),
  constraint wait_names_go check (people is null or state = 'waiting')
);
create unique index wait_once on orders.waits (account_id, slot_id) where ended_at is null;
create unique index wait_order on orders.waits (order_id) where order_id is not null;
create index waits_line on orders.waits (slot_id, place) where ended_at is null;
create index waits_account on orders.waits (account_id, place desc);
comment on column orders.waits.place is 'The order of arrival: given while the slot is locked, so that nobody who came later has a lower one.';
comment on column orders.waits.tickets is 'What is wanted: [{"price_id", "quantity"}].';
comment on column orders.waits.people is 'The travellers as typed, sealed; gone as soon as nobody waits any more: then the order has them, or nobody.';
comment on column orders.waits.passed_why is 'Why places could not be offered to this party when they were there: a problem''s code. Its place stays.';

create table orders.wait_leftovers (
  slot_id uuid primary key references inventory.slots (id),
  since   timestamptz not null
);
comment on table orders.wait_leftovers is 'Places are kept that are too few for anybody who waits: since when. They go on sale when no more gather.';

create table orders.demand (
  slot_id     uuid not null references inventory.slots (id),
  channel     text not null,
  days_before int not null check (days_before >= 0),
  venue_id    text not null,
  product_id  text not null,
  code        text not null,
  visit_date  date not null,
  booked      int not null,
  given_back  int not null,
  expired     int not null,
  primary key (slot_id, channel, days_before)
);
create index demand_venue on orders.demand (venue_id, visit_date);
create index demand_day on orders.demand (visit_date);
comment on table orders.demand is 'Rolled up from orders for planning, by how many days before the visit: places booked (and paid, where there was something to pay), given back later, and held but never paid. Can be made anew at any time.';

create table orders.demand_rounds (
  begun_at timestamptz primary key,
  first    date not null,
  last     date not null,
  rows     int not null,
  took_ms  int not null
);
comment on table orders.demand_rounds is 'When orders.demand was made, for visits of which days.';

create table support.feedback (
  id          uuid primary key,
  number      text not null,
  opening_key text not null,
  words       bytea not null,
  page        text not null,
  address     text not null,
  problem     text not null default '',
  request     text not null default '',
  order_id    uuid references orders.orders (id),
  account_id  uuid references accounts.accounts (id),
  locale      text not null,
  browser     text not null,
  is_offline  boolean not null,
  happened_at timestamptz not null,
  received_at timestamptz not null,
  state       text not null default 'open' check (state in ('open', 'answered', 'noted')),
  answer      bytea not null default '',
  ended_by    text not null default '',
  ended_at    timestamptz,
  constraint feedback_number unique (number),
  constraint feedback_key unique (opening_key),
  constraint feedback_ended check ((state = 'open') = (ended_at is null)),
  constraint feedback_answer check (state <> 'answered' or answer is not null)
);
create index feedback_recent on support.feedback (received_at desc);
create index feedback_place on support.feedback (page, problem, received_at desc);
create index feedback_account on support.feedback (account_id) where account_id is not null;
comment on table support.feedback is '"This does not work", said from a page: what people wrote (sealed; empty: erased) and what the page knew. Addresses are kept without their query.';
comment on column support.feedback.page is 'The kind of page, such as /orders/{number}/payment; address is the page itself.';
