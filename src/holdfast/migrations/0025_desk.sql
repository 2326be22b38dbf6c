-- Desks: places set aside for them, slips that are numbered and signed in advance, and what was taken on paper.
-- depends: 0024_cuts
set lock_timeout = '5s';

create table inventory.desks (
  code           text primary key check (code ~ '^[0-9A-HJKMNPQRSTVWXY]{2}$'),
  name           text not null,
  venue_id       text references catalogue.venues (id),
  on_paper_since timestamptz,
  is_drill       boolean not null default false,
  made_by        text not null,
  made_at        timestamptz not null,
  retired_at     timestamptz
);
comment on column inventory.desks.code is 'Two characters that are not misread; every slip of the desk begins with them.';
comment on column inventory.desks.venue_id is 'The one venue it serves; null: all of them.';
comment on column inventory.desks.on_paper_since is 'It takes bookings on paper now: nothing of its allotments returns to sale by itself, since it may be sold already.';
comment on column inventory.desks.is_drill is 'It practises: what its offline page takes from now on is judged and never booked.';

create table inventory.allotment_rules (
  id             uuid primary key,
  desk           text not null references inventory.desks (code),
  venue_id       text not null references catalogue.venues (id),
  percent_bp     int not null check (percent_bp between 1 and 10000),
  return_minutes int not null check (return_minutes between 0 and 525600),
  reason         text not null,
  made_by        text not null,
  made_at        timestamptz not null,
  ended_at       timestamptz,
  ended_by       text
);
create unique index allotment_rule_once on inventory.allotment_rules (desk, venue_id) where ended_at is null;
comment on table inventory.allotment_rules is 'So much of every slot of a venue is set aside for a desk, in basis points of its capacity, until so long before it begins.';

create table inventory.allotments (
  id          uuid primary key,
  slot_id     uuid not null references inventory.slots (id),
  desk        text not null references inventory.desks (code),
  places      int not null check (places >= 0),
  used        int not null default 0,
  returns_at  timestamptz not null,
  returned_at timestamptz,
  rule_id     uuid references inventory.allotment_rules (id),
  made_by     text not null,
  made_at     timestamptz not null,
  constraint allotment_unique unique (slot_id, desk),
  constraint allotment_used check (used between 0 and places)
);
create index allotments_returning on inventory.allotments (returns_at) where returned_at is null;
create index allotments_desk on inventory.allotments (desk);
comment on table inventory.allotments is 'Places of a slot that only a desk may sell. places - used of those not returned are part of the slot''s set_aside.';
comment on column inventory.allotments.rule_id is 'The rule it follows; null: set by hand, rules leave it alone.';

create table orders.slip_pads (
  id         uuid primary key,
  desk       text not null references inventory.desks (code),
  first      int not null check (first > 0),
  last       int not null check (last <= 99999),
  kind       text not null check (kind in ('paper', 'device')),
  day        date,
  is_drill   boolean not null default false,
  note       text not null default '',
  made_by    text not null,
  made_at    timestamptz not null,
  revoked_at timestamptz,
  constraint pad_range check (last >= first),
  constraint pad_once unique (desk, first)
);
comment on table orders.slip_pads is 'Numbers that are out: printed, or handed to the offline page of a device. A slip outside of all pads was invented.';

create table orders.slip_imports (
  id       uuid primary key,
  desk     text not null references inventory.desks (code),
  source   text not null check (source in ('file', 'device')),
  name     text not null,
  sha256   bytea not null,
  rows     int not null,
  made_by  text not null,
  made_at  timestamptz not null,
  ended_at timestamptz
);
create index slip_imports_recent on orders.slip_imports (made_at desc);

create table orders.slips (
  id           uuid primary key,
  desk         text not null references inventory.desks (code),
  number       text not null,
  pad_id       uuid references orders.slip_pads (id),
  state        text not null check (state in ('booked', 'open', 'existing', 'declined', 'void', 'practised')),
  problem      text not null default '',
  details      jsonb not null default '{}',
  warnings     jsonb not null default '[]',
  allowed      text[] not null default '{}',
  content      bytea,
  content_hash bytea not null,
  visit_date   date,
  is_drill     boolean not null default false,
  order_id     uuid references orders.orders (id),
  taken_at     timestamptz,
  arrived_at   timestamptz not null,
  decision     text not null default '',
  reason       text not null default '',
  decided_by   text not null default '',
  decided_at   timestamptz,
  constraint slip_once unique (desk, number),
  constraint slip_booked check ((state in ('booked', 'existing')) = (order_id is not null)),
  constraint slip_problem check (state <> 'open' or problem <> '')
);
create index slips_open on orders.slips (arrived_at) where state = 'open';
create index slips_order on orders.slips (order_id) where order_id is not null;
create index slips_kept on orders.slips (visit_date) where content is not null;
comment on table orders.slips is 'What came back of the slips, one row for each (desk, number), with its outcome; never deleted.';
comment on column orders.slips.number is 'Number of the slip; ? and a digest where none could be read; the number, / and a digest where it came again with other words.';
comment on column orders.slips.content is 'Sealed: what was written on it. It goes after the visit, as documents do.';
comment on column orders.slips.allowed is 'What a supervisor allows for this slip: its promise is honoured although that stands in the way.';

create table orders.slip_arrivals (
  import_id uuid not null references orders.slip_imports (id),
  row       int not null,
  slip_id   uuid not null references orders.slips (id),
  result    text not null check (result in ('new', 'same', 'conflict', 'practised')),
  problem   text not null default '',
  primary key (import_id, row)
);
create index slip_arrivals_slip on orders.slip_arrivals (slip_id);

create table orders.desk_accounts (
  phone_index bytea primary key,
  account_id  uuid not null references accounts.accounts (id),
  made_at     timestamptz not null
);
comment on table orders.desk_accounts is 'Accounts that nobody signs in to yet, opened for people whom a desk booked for: one for each phone.';

create table orders.assisted (
  key      text primary key,
  order_id uuid not null unique references orders.orders (id),
  desk     text references inventory.desks (code),
  made_by  text not null,
  made_at  timestamptz not null
);
create index assisted_recent on orders.assisted (made_at desc);
comment on table orders.assisted is 'Bookings that staff made for somebody; the key makes the same form count once.';

create table orders.desk_drills (
  id         uuid primary key,
  desk       text not null references inventory.desks (code),
  started_by text not null,
  started_at timestamptz not null,
  ended_at   timestamptz
);
create unique index desk_drill_once on orders.desk_drills (desk) where ended_at is null;

-- What was promised on paper is kept: what only keeps people from asking for it does not stand in its way. Places and documents do.
do $do$
declare
  online text := '(asked[w.n]).channel <> ''paper''';
  edits text[][] := array[
    ['when s.state <> ''open'' then', 'when s.state <> ''open'' and ' || online || ' then'],
    ['when at < s.sale_opens_at then', 'when at < s.sale_opens_at and ' || online || ' then'],
    ['when at >= s.sale_closes_at then', 'when at >= s.sale_closes_at and ' || online || ' then'],
    ['when s.fresh_until <= at then', 'when s.fresh_until <= at and ' || online || ' then'],
    ['when p.real_name and w.quantity <> w.people', 'when p.real_name and w.quantity <> w.people and ' || online],
    ['> p.max_per_order', '> p.max_per_order and ' || online],
    ['if quota_left[quota_id[i]] < quota_need[i] then', 'if quota_left[quota_id[i]] < quota_need[i] and (asked[b.n]).channel <> ''paper'' then']];
begin
  call kit.edit_function('orders.place_many(json, json, json, timestamptz, interval, text[])', edits);
end $do$;
