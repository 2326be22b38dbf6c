-- The gate: shared devices, who works at them, who went in and out, and who never came.
-- depends: 0022_cards
set lock_timeout = '5s';

create schema if not exists passes;

create table passes.devices (
  id             uuid primary key,
  venue_id       text not null references catalogue.venues (id),
  name           text not null,
  made_by        text not null,
  made_at        timestamptz not null,
  enrol_hash     bytea,
  enrol_until    timestamptz not null,
  token_hash     bytea,
  agent          text not null default '',
  enrolled_at    timestamptz,
  seen_at        timestamptz,
  synced_at      timestamptz,
  pending        int not null default 0,
  revoked_at     timestamptz,
  revoked_by     text,
  revoked_reason text,
  constraint device_enrolment unique (enrol_hash),
  constraint device_token unique (token_hash),
  constraint device_revoked check ((revoked_at is null) = (revoked_reason is null))
);
create index devices_venue on passes.devices (venue_id);
comment on column passes.devices.synced_at is 'When the device last loaded the list of today''s tickets.';
comment on column passes.devices.pending is 'How many passages it said it had not uploaded yet.';

create table passes.shifts (
  id        uuid primary key,
  device_id uuid not null references passes.devices (id),
  staff_id  uuid not null references accounts.staff (id),
  begun_at  timestamptz not null,
  ends_at   timestamptz not null,
  ended_at  timestamptz
);
create index shifts_device on passes.shifts (device_id, begun_at desc);

create table passes.gate_rules (
  venue_id      text primary key references catalogue.venues (id),
  early_minutes int not null check (early_minutes between 0 and 1440),
  late_minutes  int not null check (late_minutes between 0 and 1440),
  exits_counted boolean not null,
  stay_minutes  int not null check (stay_minutes between 5 and 1440),
  grace_minutes int not null check (grace_minutes between 0 and 1440),
  changed_at    timestamptz not null,
  changed_by    text not null
);
comment on table passes.gate_rules is 'What a venue does otherwise than most: entry before and after the slot, whether exits are counted, how long people stay, and when somebody counts as not having come.';

create table passes.admissions (
  device_id     uuid not null references passes.devices (id),
  counter       bigint not null check (counter > 0),
  kind          text not null check (kind in ('entry', 'exit')),
  venue_id      text not null references catalogue.venues (id),
  order_number  text,
  ticket        smallint,
  version       int,
  line_seq      smallint,
  traveller_seq smallint,
  slot_id       uuid references inventory.slots (id),
  people        int not null check (people > 0),
  at            timestamptz not null,
  recorded_at   timestamptz not null,
  offline       boolean not null,
  insisted      boolean not null default false,
  shift_id      uuid references passes.shifts (id),
  verdict       text not null check (verdict in ('valid', 'used', 'too-early', 'too-late', 'wrong-venue', 'revoked', 'unpaid', 'unknown')),
  counts        boolean not null,
  rival_device  uuid,
  rival_counter bigint,
  undone_at     timestamptz,
  undone_by     text,
  undone_reason text,
  ruled_at      timestamptz,
  ruled_by      text,
  ruling        text check (ruling in ('let-be', 'watch', 'desk')),
  ruling_note   text,
  primary key (device_id, counter),
  constraint admission_of_a_ticket check ((kind = 'entry') = (order_number is not null)),
  constraint admission_counts check (not counts or (kind = 'entry' and line_seq is not null and verdict in ('valid', 'too-early', 'too-late'))),
  constraint admission_rival foreign key (rival_device, rival_counter) references passes.admissions (device_id, counter),
  constraint admission_undone check ((undone_at is null) = (undone_reason is null)),
  constraint admission_ruled check ((ruled_at is null) = (ruling is null))
);
create unique index admitted_once on passes.admissions (order_number, line_seq, (coalesce(traveller_seq, 0))) where counts and undone_at is null;
create index admissions_order on passes.admissions (order_number);
create index admissions_venue on passes.admissions (venue_id, at);
create index admissions_news on passes.admissions (venue_id, recorded_at);
create index admissions_undone on passes.admissions (venue_id, undone_at) where undone_at is not null;
create index admissions_conflicts on passes.admissions (recorded_at) where verdict <> 'valid' and ruled_at is null;
comment on table passes.admissions is 'Who went in or out, once for each device and counter; never changed but for an undoing and a ruling. A row that does not count let somebody in all the same: a device without a network had to decide alone.';
comment on column passes.admissions.at is 'When they passed, by the device''s clock set right; recorded_at is when we heard of it.';
comment on column passes.admissions.rival_device is 'With rival_counter: the admission that had used the ticket already.';

create function passes.keep_admissions() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE'
     or (to_jsonb(new) - array['undone_at', 'undone_by', 'undone_reason', 'ruled_at', 'ruled_by', 'ruling', 'ruling_note'])
        <> (to_jsonb(old) - array['undone_at', 'undone_by', 'undone_reason', 'ruled_at', 'ruled_by', 'ruling', 'ruling_note'])
     or (old.undone_at is not null and new.undone_at is distinct from old.undone_at) then
    raise exception 'admissions are kept as they were recorded';
  end if;
  return new;
end $$;
create trigger keep_admissions before update or delete on passes.admissions for each row execute function passes.keep_admissions();

create table passes.no_shows (
  order_number  text not null,
  line_seq      smallint not null,
  traveller_seq smallint not null,
  account_id    uuid not null references accounts.accounts (id),
  venue_id      text not null references catalogue.venues (id),
  slot_id       uuid not null references inventory.slots (id),
  visit_date    date not null,
  people        int not null check (people > 0),
  noted_at      timestamptz not null,
  came_at       timestamptz,
  primary key (order_number, line_seq, traveller_seq)
);
create index no_shows_account on passes.no_shows (account_id) where came_at is null;
create index no_shows_venue on passes.no_shows (venue_id, visit_date) where came_at is null;
comment on column passes.no_shows.traveller_seq is '0 for a party without names.';
comment on column passes.no_shows.came_at is 'They had come: a gate that was offline told us later.';

-- Decides and writes what one device asks, in one statement. Each asked row is an object: n, counter, kind, number, ticket, version,
-- people, passed_at, offline, insisted, shift; and what orders say of the ticket: standing (ok, revoked, unpaid, unknown), of_venue, line_seq,
-- traveller_seq, slot_id, starts_at, ends_at, holder. Answers an object for each: n, verdict, recorded, and the rival if there is one.
create function passes.admit_many(device uuid, asked json, at timestamptz, early interval, late interval, subscribers text[])
returns json language plpgsql as $$
declare
  here text;
  a record;
  known passes.admissions;
  rival passes.admissions;
  told text;
  answers jsonb[] := '{}';
  news jsonb[] := '{}';
  does_count boolean;
  taken int;
begin
  select d.venue_id, coalesce(r.early_minutes * interval '1 minute', early), coalesce(r.late_minutes * interval '1 minute', late)
    into here, early, late from passes.devices d left join passes.gate_rules r on r.venue_id = d.venue_id where d.id = device;
  for a in
    select * from json_to_recordset(asked) as j (
      n int, counter bigint, kind text, number text, ticket smallint, version int, people int, passed_at timestamptz, offline boolean,
      insisted boolean, shift uuid, standing text, of_venue text, line_seq smallint, traveller_seq smallint, slot_id uuid,
      starts_at timestamptz, ends_at timestamptz, holder text)
    order by number nulls last, counter
  loop
    rival := null;
    select * into known from passes.admissions m where m.device_id = device and m.counter = a.counter;
    if found then
      -- The same once more: the same answer. Another one under this counter is a mistake of the device and never recorded.
      if known.kind <> a.kind or known.order_number is distinct from a.number or (a.kind = 'entry' and known.ticket is distinct from a.ticket) then
        answers := answers || jsonb_build_object('n', a.n, 'verdict', 'counter-reused', 'recorded', false);
      else
        answers := answers || jsonb_build_object('n', a.n, 'verdict', known.verdict, 'recorded', true, 'holder', a.holder, 'people', known.people,
          'starts_at', a.starts_at, 'ends_at', a.ends_at);
      end if;
      continue;
    end if;
    if a.kind = 'exit' then
      told := 'valid'; does_count := false;
    else
      select * into rival from passes.admissions m
       where m.order_number = a.number and m.line_seq = a.line_seq and coalesce(m.traveller_seq, 0) = coalesce(a.traveller_seq, 0)
         and m.counts and m.undone_at is null;
      told := case
        when a.standing = 'unknown' then 'unknown'
        when a.of_venue is distinct from here then 'wrong-venue'
        when a.standing <> 'ok' then a.standing
        when rival.device_id is not null then 'used'
        when a.passed_at < a.starts_at - early and not a.insisted then 'too-early'
        when a.passed_at > a.ends_at + late and not a.insisted then 'too-late'
        else 'valid' end;
      does_count := told = 'valid' or (a.offline and told in ('too-early', 'too-late'));
    end if;
    if does_count then
      insert into passes.admissions (device_id, counter, kind, venue_id, order_number, ticket, version, line_seq, traveller_seq, slot_id, people,
                                     at, recorded_at, offline, insisted, shift_id, verdict, counts)
      values (device, a.counter, 'entry', here, a.number, a.ticket, a.version, a.line_seq, a.traveller_seq, a.slot_id, a.people,
              a.passed_at, at, a.offline, a.insisted, a.shift, told, true)
      on conflict do nothing;
      get diagnostics taken = row_count;
      if taken = 0 then  -- another gate was quicker by a moment
        select * into rival from passes.admissions m
         where m.order_number = a.number and m.line_seq = a.line_seq and coalesce(m.traveller_seq, 0) = coalesce(a.traveller_seq, 0)
           and m.counts and m.undone_at is null;
        told := 'used'; does_count := false;
      else
        news := news || jsonb_build_object('order_number', a.number, 'ticket', a.ticket, 'line_seq', a.line_seq, 'traveller_seq', a.traveller_seq,
          'at', a.passed_at, 'device', device, 'counter', a.counter, 'offline', a.offline, 'people', a.people, 'venue_id', here);
      end if;
    end if;
    if not does_count and (a.kind = 'exit' or a.offline) then
      insert into passes.admissions (device_id, counter, kind, venue_id, order_number, ticket, version, line_seq, traveller_seq, slot_id, people,
                                     at, recorded_at, offline, insisted, shift_id, verdict, counts, rival_device, rival_counter)
      values (device, a.counter, a.kind, here, case when a.kind = 'entry' then a.number end, a.ticket, a.version, a.line_seq, a.traveller_seq,
              a.slot_id, a.people, a.passed_at, at, a.offline, a.insisted, a.shift, told, false, rival.device_id, rival.counter);
    end if;
    answers := answers || jsonb_build_object('n', a.n, 'verdict', told, 'recorded', does_count or a.kind = 'exit' or a.offline,
      'holder', a.holder, 'people', a.people, 'starts_at', a.starts_at, 'ends_at', a.ends_at, 'of_venue', a.of_venue,
      'used_at', case when told = 'used' then rival.at end,
      'used_where', case when told = 'used' then (select d.name from passes.devices d where d.id = rival.device_id) end);
  end loop;
  if cardinality(news) > 0 then
    perform kit.emit_many('gate.admitted', subscribers, news, at);
  end if;
  return array_to_json(answers);
end $$;

-- Orders that left a slot are looked for by gates, too: their codes are void.
create index lines_left_slot on orders.lines (slot_id) where not live;

create function passes.note_no_shows(absent json, at timestamptz) returns int language sql as $$
  with noted as (
    insert into passes.no_shows (order_number, line_seq, traveller_seq, account_id, venue_id, slot_id, visit_date, people, noted_at)
    select j.order_number, j.line_seq, j.traveller_seq, j.account_id, j.venue_id, j.slot_id, j.visit_date, j.people, at
      from json_to_recordset(absent) as j (order_number text, line_seq smallint, traveller_seq smallint, account_id uuid, venue_id text,
                                           slot_id uuid, visit_date date, people int)
    on conflict do nothing returning 1)
  select count(*)::int from noted;
$$;
