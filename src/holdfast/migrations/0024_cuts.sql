-- Capacity as dated policies that staff make, each a new row; day types; uploads of the catalogue; cuts below what is sold.
-- depends: 0023_gate
set lock_timeout = '5s';

create table inventory.day_types (
  code    text primary key check (code ~ '^[a-z][a-z0-9_]{1,39}$'),
  name    jsonb not null,
  made_by text not null default 'system',
  made_at timestamptz not null default now()
);
insert into inventory.day_types (code, name) values
  ('bad_weather', '{"zh": "恶劣天气", "en": "Bad weather"}'),
  ('holiday', '{"zh": "节假日", "en": "Holiday"}'),
  ('cableway_down', '{"zh": "索道停运", "en": "Cableway not running"}');
comment on table inventory.day_types is 'Kinds of days on which other limits hold; which days are such days is marked for each venue.';

create table inventory.day_marks (
  id       uuid primary key,
  venue_id text not null references catalogue.venues (id),
  day      date not null,
  day_type text not null references inventory.day_types (code),
  is_on    boolean not null,
  reason   text not null,
  made_by  text not null,
  made_at  timestamptz not null
);
create index day_marks_venue on inventory.day_marks (venue_id, day_type, day, id desc);
comment on table inventory.day_marks is 'A day is of a type, or is not any more: the newest row counts.';

create function inventory.marked_days(venue text, wanted text) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(m.day order by m.day), '[]') from (
    select distinct on (d.day) d.day, d.is_on from inventory.day_marks d
     where d.venue_id = venue and d.day_type = wanted order by d.day, d.id desc) m where m.is_on;
$$;

alter table inventory.policies drop constraint policies_kind_check;
alter table inventory.policies
  add constraint policies_kind_check
      check (kind in ('absolute', 'percent', 'closed', 'paused', 'inside', 'entry_paused', 'lifted')),
  add column code text,
  add column day_type text references inventory.day_types (code),
  add column document_no text not null default '',
  add column made_by text not null default '',
  add column until_at timestamptz,
  add constraint policy_of_a_slot check (code is null or product_id is not null),
  add constraint policy_pause_ends check ((kind = 'entry_paused') = (until_at is not null)),
  add constraint policy_lifts check (kind <> 'lifted' or supersedes is not null);
comment on table inventory.policies is 'Dated rules on a day''s capacity: absolute places, percent in basis points of the smallest absolute, closed, paused; inside: people at once; entry_paused: nobody goes in until until_at; lifted: the row it supersedes does not count any more. The minimum of all that apply holds; where a row and the one it supersedes both apply, only the newer counts.';
comment on column inventory.policies.code is 'The one slot of the product that it is about; null: all of them.';
comment on column inventory.policies.day_type is 'Only on days that are marked as such; null: on all its days.';
comment on column inventory.policies.authority is 'Who ordered it; document_no is the number of their document, reason what we tell people.';
create index policies_superseded on inventory.policies (supersedes) where supersedes is not null;

create function inventory.keep_policies() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.origin <> '' then
    return new;
  end if;
  raise exception 'a policy stays as it was made; another one supersedes it' using errcode = 'restrict_violation';
end $$;
create trigger policies_stay before update or delete on inventory.policies for each row execute function inventory.keep_policies();
create trigger policies_not_emptied before truncate on inventory.policies for each statement execute function changes.refuse_rewriting();
create trigger day_marks_stay before update or delete or truncate on inventory.day_marks for each statement execute function changes.refuse_rewriting();

create table catalogue.uploads (
  id      uuid primary key,
  name    text not null,
  content bytea not null,
  sha256  bytea not null,
  made_by text not null,
  made_at timestamptz not null
);
comment on table catalogue.uploads is 'Catalogue files as they were sent to the console: a proposal names one, and it is kept with it.';
create trigger uploads_stay before update or delete or truncate on catalogue.uploads for each statement execute function changes.refuse_rewriting();

create table orders.cuts (
  id           uuid primary key,
  wish         jsonb not null,
  stop_ids     uuid[] not null,
  seed         text not null,
  made_by      text not null,
  made_at      timestamptz not null,
  proposal_id  uuid references changes.proposals (id),
  policy_ids   uuid[] not null default '{}',
  applied_at   timestamptz,
  answer_until timestamptz,
  step         text not null default 'stopped'
               check (step in ('stopped', 'freeing', 'asking', 'waiting', 'deciding', 'parting', 'telling', 'closing', 'done', 'given_up')),
  is_held      boolean not null default false,
  ended_at     timestamptz,
  constraint cut_applied check ((applied_at is null) = (step in ('stopped', 'given_up'))),
  constraint cut_ended check ((ended_at is not null) = (step in ('done', 'given_up')))
);
create index cuts_running on orders.cuts (made_at) where step not in ('stopped', 'done', 'given_up');
comment on table orders.cuts is 'Capacity below what is sold. stopped: sale rests and the effect waits for approval; then one step after the other until done.';
comment on column orders.cuts.seed is 'Decides between parties that paid in the same moment. Its hash is shown with the proposal, the seed itself when it is done.';

create table orders.cut_slots (
  cut_id          uuid not null references orders.cuts (id),
  slot_id         uuid not null references inventory.slots (id),
  capacity_before int not null,
  capacity_after  int not null,
  taken_before    int not null,
  primary key (cut_id, slot_id)
);

create table orders.cut_parties (
  cut_id       uuid not null references orders.cuts (id),
  order_id     uuid not null references orders.orders (id),
  slot_id      uuid not null references inventory.slots (id),
  position     int not null,
  places       int not null check (places >= 0),
  is_paid      boolean not null,
  protected    text not null default '',
  price_minor  bigint not null,
  currency     char(3) not null,
  forecast     text not null check (forecast in ('keeps', 'gives_way')),
  verdict      text check (verdict in ('keeps', 'gives_way')),
  outcome      text check (outcome in ('kept', 'moved', 'refunded', 'freed', 'gone')),
  chosen       boolean not null default false,
  asked_at     timestamptz,
  ended_at     timestamptz,
  told_at      timestamptz,
  refund_minor bigint not null default 0,
  to_slot      uuid references inventory.slots (id),
  returned_at  timestamptz,
  line_seqs    smallint[] not null default '{}',
  primary key (cut_id, order_id, slot_id),
  constraint party_ended check ((outcome is null) = (ended_at is null)),
  constraint party_told check (told_at is null or outcome is not null),
  constraint party_moved check ((outcome is not distinct from 'moved') = (to_slot is not null))
);
create index cut_parties_order on orders.cut_parties (order_id);
create index cut_parties_open on orders.cut_parties (cut_id, position) where outcome is null;
comment on table orders.cut_parties is 'Whoever had places in a slot that was cut, in the published order: position 1 keeps first.';
comment on column orders.cut_parties.outcome is 'kept: nothing changed. moved: to another slot. refunded: all of it goes back. freed: was not paid yet. gone: had left by themselves before.';
comment on column orders.cut_parties.line_seqs is 'The lines that were given up, for who wants the places back.';
comment on column orders.cut_parties.chosen is 'They chose it themselves.';

create table orders.cut_offers (
  id        uuid primary key,
  cut_id    uuid not null references orders.cuts (id),
  order_id  uuid not null references orders.orders (id),
  from_slot uuid not null references inventory.slots (id),
  to_slot   uuid not null references inventory.slots (id),
  kind      text not null check (kind in ('alternative', 'return')),
  places    int not null check (places > 0),
  state     text not null default 'held' check (state in ('held', 'taken', 'lapsed')),
  made_at   timestamptz not null,
  until_at  timestamptz not null,
  ended_at  timestamptz,
  constraint offer_ended check ((state = 'held') = (ended_at is null))
);
create unique index cut_offer_once on orders.cut_offers (cut_id, order_id, from_slot, kind) where state = 'held';
create index cut_offers_order on orders.cut_offers (order_id);
create index cut_offers_due on orders.cut_offers (until_at) where state = 'held';
comment on table orders.cut_offers is 'Places that are set aside for one party: another slot in exchange, or places that came back, for who had lost them.';

create table orders.cut_events (
  cut_id  uuid not null references orders.cuts (id),
  seq     int not null,
  kind    text not null,
  at      timestamptz not null,
  actor   text not null,
  details jsonb not null default '{}',
  primary key (cut_id, seq)
);
create trigger cut_events_stay before update or delete or truncate on orders.cut_events for each statement execute function changes.refuse_rewriting();
