-- Campaigns: immutable versions in immutable envelopes, and the row that runs. Discounts are granted inside the booking's transaction.
-- depends: 0029_packages
set lock_timeout = '5s';

create schema campaigns;

create table campaigns.envelopes (
  id           uuid primary key,
  name         jsonb not null,
  payer        text not null check (payer in ('platform', 'merchant', 'government')),
  agreement    text,
  label        jsonb not null,
  max_minor    bigint not null check (max_minor > 0),
  max_bp       int not null check (max_bp between 1 and 10000),
  currency     text not null default 'CNY',
  kinds        text[] not null check (cardinality(kinds) > 0),
  channels     text[] not null check (cardinality(channels) > 0),
  budget_minor bigint not null check (budget_minor > 0),
  valid_until  timestamptz not null,
  content_hash bytea not null,
  proposal_id  uuid not null,
  made_at      timestamptz not null,
  check (payer <> 'government' or agreement is not null)
);
comment on table campaigns.envelopes is 'What finance allows: the most one order may get (fen and basis points of its price), where, out of whose money, and what it may be called. Approved by itself; versions run inside one.';

create table campaigns.campaigns (
  id         text primary key check (id ~ '^[a-z0-9][a-z0-9-]{2,39}$'),
  name       jsonb not null,
  made_by    text not null,
  made_at    timestamptz not null
);

create table campaigns.versions (
  id           uuid primary key,
  campaign_id  text not null references campaigns.campaigns (id),
  n            int not null check (n > 0),
  content      jsonb not null,
  content_hash bytea not null,
  envelope_id  uuid not null references campaigns.envelopes (id),
  made_by      text not null,
  made_at      timestamptz not null,
  unique (campaign_id, n)
);
comment on table campaigns.versions is 'What a campaign says, word for word. A change is another version; none is ever altered.';

create function campaigns.refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'campaigns.% keeps what it holds: write a new row', tg_table_name;
end $$;
create trigger envelopes_stay before update or delete or truncate on campaigns.envelopes
  for each statement execute function campaigns.refuse_rewriting();
create trigger versions_stay before update or delete or truncate on campaigns.versions
  for each statement execute function campaigns.refuse_rewriting();

create table campaigns.running (
  version_id   uuid primary key references campaigns.versions (id),
  campaign_id  text not null references campaigns.campaigns (id),
  state        text not null check (state in ('canary', 'ramping', 'live', 'paused', 'tripped', 'ended')),
  state_since  timestamptz not null,
  epoch        int not null default 1,
  starts_at    timestamptz not null,
  ends_at      timestamptz not null check (ends_at > starts_at),
  -- the envelope, as it was approved
  max_minor    bigint not null,
  max_bp       int not null,
  kinds        text[] not null,
  channels     text[] not null,
  -- how much: the whole, the stage, the day, the person. Used is what is reserved and what is redeemed
  budget_minor bigint not null check (budget_minor > 0),
  budget_count bigint,
  used_minor   bigint not null default 0,
  used_count   bigint not null default 0,
  stage        smallint not null default 1,
  stage_minor  bigint,
  stage_count  bigint,
  stage_used_minor bigint not null default 0,
  stage_used_count bigint not null default 0,
  stage_since  timestamptz not null,
  day_minor    bigint,
  day          date,
  day_used_minor bigint not null default 0,
  per_person   int check (per_person > 0),
  full_since   timestamptz,
  -- of what is used: promised, run out, and paid for after all. It may go beyond the bounds, by no more than this
  late_minor   bigint not null default 0 check (late_minor >= 0),
  late_count   bigint not null default 0 check (late_count >= 0),
  -- watched: the share of orders that match, the size of a discount, the pace of spending; null: not watched
  share_up     double precision,
  share_down   double precision,
  share_limit  double precision,
  share_sum    double precision not null default 0,
  share_seen   bigint not null default 0,
  matched      bigint not null default 0,
  size_mean    double precision,
  size_gain    double precision,
  size_shift   double precision,
  size_limit   double precision,
  size_sum     double precision not null default 0,
  pace_minor   bigint[] check (cardinality(pace_minor) = 24),
  pushes       jsonb not null default '[]',
  pace_factor  double precision not null default 3,
  pace_depth   bigint,
  tokens       double precision,
  tokens_at    timestamptz,
  open_until   timestamptz,
  check (used_minor between 0 and budget_minor + late_minor),
  check (used_count >= 0 and (budget_count is null or used_count <= budget_count + late_count)),
  check (stage_minor is null or stage_used_minor <= stage_minor + late_minor),
  check (stage_count is null or stage_used_count <= stage_count + late_count)
);
create unique index running_once on campaigns.running (campaign_id) where state in ('canary', 'ramping', 'live', 'paused');
create index running_now on campaigns.running (version_id) where state in ('canary', 'ramping', 'live');
comment on column campaigns.running.full_since is 'Its money, its stage or its day is used up: it is not offered until some comes back, the stage or the day changes.';
comment on column campaigns.running.share_sum is 'CUSUM of matching against not matching orders (Page 1954); it trips at share_limit.';
comment on column campaigns.running.share_seen is 'The number in campaigns.orders_seen of the last order that matched: all between were without.';
comment on column campaigns.running.pace_minor is 'Forecast of spending for each hour of the day in Shanghai while it is offered, minor units an hour; pushes multiply it.';
comment on column campaigns.running.late_minor is 'Released when the order ran out, given to others, and owed after all when its payment came late: what was promised stands.';
comment on column campaigns.running.open_until is 'Offered at some hours only: when the window of the last matching order closes. Null: offered at all hours. See campaigns.not_offered.';

create table campaigns.windows (
  version_id uuid not null references campaigns.versions (id),
  opens      timestamptz not null,
  closes     timestamptz not null check (closes > opens),
  primary key (version_id, opens)
);
comment on table campaigns.windows is 'When a version is offered that has weekdays or hours, from its start to its end. Versions without them have no rows.';

create sequence campaigns.orders_seen;
comment on sequence campaigns.orders_seen is 'Every order with a price takes a number; who has none in between has not matched. Gaps only make a watch slower by as many orders.';

create table campaigns.epoch (
  one          boolean primary key default true check (one),
  epoch        bigint not null,
  marked_until timestamptz not null default '2000-01-01 00:00+00'
);
insert into campaigns.epoch values (true, 1);
comment on table campaigns.epoch is 'Moves whenever what is offered changes. A booking that was priced with another is priced again.';
comment on column campaigns.epoch.marked_until is 'The first booking from then on writes a mark (campaigns.mark).';

create table campaigns.seen_marks (at timestamptz primary key, seen bigint not null);
create index seen_marks_seen on campaigns.seen_marks (seen, at);
comment on table campaigns.seen_marks is 'Which orders were placed when: those with a number above `seen` (campaigns.orders_seen) from `at` on. At most one in five minutes.';

create function campaigns.mark(at timestamptz) returns void language sql as $$
  -- The first booking of every five minutes writes how many orders there were before it; nobody else does.
  with due as (
    update campaigns.epoch set marked_until = date_bin('5 minutes', mark.at, '2000-01-01 00:00+00') + interval '5 minutes'
     where marked_until <= mark.at returning one
  )
  insert into campaigns.seen_marks (at, seen)
  select date_bin('5 minutes', mark.at, '2000-01-01 00:00+00'), case when q.is_called then q.last_value else 0 end
    from campaigns.orders_seen q where exists (select from due)
  on conflict do nothing
$$;

create function campaigns.not_offered(version uuid, after bigint, before bigint) returns bigint language sql stable as $$
  -- So many of the orders numbered between these two were placed while a version with hours was not offered, to five minutes.
  select coalesce(sum(s.upto - greatest(s.seen, after)), 0)::bigint
    from (select m.at, m.seen, coalesce(lead(m.seen) over (order by m.at), before - 1) as upto from campaigns.seen_marks m
           where m.seen < before - 1
             and m.at >= coalesce((select b.at from campaigns.seen_marks b where b.seen <= after order by b.seen desc, b.at desc limit 1),
                                  '-infinity')) s
   where s.upto > greatest(s.seen, after)
     and not exists (select from campaigns.windows w where w.version_id = version and w.opens <= s.at and s.at < w.closes)
$$;

create table campaigns.codes (
  code        text primary key,
  campaign_id text not null references campaigns.campaigns (id),
  batch       text not null,
  uses_max    int not null default 1 check (uses_max > 0),
  uses        int not null default 0,
  late        int not null default 0 check (late >= 0),
  ended_at    timestamptz,
  made_at     timestamptz not null,
  check (uses between 0 and uses_max + late)
);
comment on column campaigns.codes.late is 'Of its uses: orders that had run out, so that the code was free for others, and were paid for after all.';
create index codes_batch on campaigns.codes (campaign_id, batch);

create table campaigns.reservations (
  order_id     uuid not null,
  version_id   uuid not null,
  campaign_id  text not null,
  order_number text not null,
  account_id   uuid not null,
  state        text not null default 'held' check (state in ('held', 'redeemed', 'released')),
  amount_minor bigint not null check (amount_minor >= 0),
  currency     text not null,
  lines        jsonb not null,
  label        jsonb not null,
  gift         jsonb,
  code         text,
  trace        jsonb not null,
  stage        smallint not null,
  epoch        int not null,
  late         boolean not null default false,
  share_sum    double precision,
  size_sum     double precision,
  tokens       double precision,
  made_at      timestamptz not null,
  settled_at   timestamptz,
  primary key (order_id, version_id)
);
create index reservations_person on campaigns.reservations (account_id, campaign_id) where state <> 'released';
create index reservations_version on campaigns.reservations (version_id, made_at);
comment on table campaigns.reservations is 'Which version reduced which order, by how much on which line, and why: the label that was shown and the trace of its conditions.';
comment on column campaigns.reservations.version_id is 'One of campaigns.running, whose row the grant has locked; no foreign key, which would lock one row of campaigns.versions for every grant.';
comment on column campaigns.reservations.lines is 'Line, minor units off it; and what the catalogue says in the booking itself: its list price, its tickets.';
comment on column campaigns.reservations.late is 'It had been released when its order ran out, and holds again because its payment came late: over every bound if need be.';
comment on column campaigns.reservations.share_sum is 'Where the watches stood after this order (size_sum, tokens likewise): the curve of an incident.';

create table campaigns.trips (
  id         uuid primary key default gen_random_uuid(),
  version_id uuid not null references campaigns.versions (id),
  epoch      int not null,
  reason     text not null check (reason in ('envelope', 'share', 'size', 'pace', 'stage', 'person')),
  at         timestamptz not null,
  by         text not null,
  evidence   jsonb not null
);
create unique index trips_once on campaigns.trips (version_id, epoch);
create trigger trips_stay before update or delete or truncate on campaigns.trips
  for each statement execute function campaigns.refuse_rewriting();

create function campaigns.load(wanted uuid[]) returns campaigns.running[] language plpgsql
  set plan_cache_mode = 'force_generic_plan' as $$
-- The rows of these versions, locked in id order: after slots, before nothing else. Planned once, as all that every batch runs.
begin
  return array(select t from campaigns.running t where t.version_id = any (wanted) order by t.version_id for no key update);
end $$;

create function campaigns.pace_per_s(r campaigns.running, at timestamptz) returns double precision language sql immutable as $$
  -- Forecast of spending at a moment, minor units a second.
  select r.pace_minor[1 + extract(hour from at at time zone 'Asia/Shanghai')::int] / 3600.0 * coalesce((
    select max((p ->> 'factor')::double precision) from jsonb_array_elements(r.pushes) p
     where at >= (p ->> 'from')::timestamptz and at < (p ->> 'until')::timestamptz), 1)
$$;

create function campaigns.watch(inout r campaigns.running, amount bigint, price bigint, kinds text[], channel text, seen bigint,
                                at timestamptz, out verdict text) language plpgsql as $$
-- What one matching order does to the watches, granted or not; verdict: why this trips, or null. Cheap tests and certain ones first.
-- The share is that of the orders placed while it is offered. Of the orders since the last that matched, those of closed hours are
-- looked for only by the first that matches in a window; orders are counted to windows by marks of five minutes.
declare
  rate double precision;
  closed bigint := 0;
begin
  if amount > r.max_minor or amount * 10000 > price * r.max_bp or not kinds <@ r.kinds or not channel = any (r.channels) then
    verdict := 'envelope';
  end if;
  r.matched := r.matched + 1;
  if r.share_limit is not null then
    if at >= r.open_until then
      closed := campaigns.not_offered(r.version_id, r.share_seen, seen);
      r.open_until := coalesce((select w.closes from campaigns.windows w where w.version_id = r.version_id and w.opens <= at and at < w.closes), at);
    end if;
    r.share_sum := greatest(0, r.share_sum + greatest(0, seen - r.share_seen - 1 - closed) * r.share_down) + r.share_up;
    if r.share_sum >= r.share_limit then
      verdict := coalesce(verdict, 'share');
    end if;
  end if;
  r.share_seen := greatest(r.share_seen, seen);
  if r.size_limit is not null and amount > 0 then
    r.size_sum := greatest(0, r.size_sum + greatest(-3, least(3, r.size_gain * (ln(amount) - r.size_shift))));
    if r.size_sum >= r.size_limit then
      verdict := coalesce(verdict, 'size');
    end if;
  end if;
  if r.pace_depth is not null then
    rate := r.pace_minor[1 + extract(hour from at at time zone 'Asia/Shanghai')::int] / 3600.0;
    if r.pushes <> '[]' then
      rate := campaigns.pace_per_s(r, at);
    end if;
    r.tokens := least(r.pace_depth, coalesce(r.tokens, r.pace_depth)
                      + r.pace_factor * rate * greatest(0, extract(epoch from at - coalesce(r.tokens_at, at)))) - amount;
    r.tokens_at := greatest(at, r.tokens_at);
    if r.tokens < 0 then
      verdict := coalesce(verdict, 'pace');
    end if;
  end if;
end $$;

create type campaigns.wish as (n int, version_id uuid, campaign_id text, amount_minor bigint, code text, seqs int[], offs bigint[]);
comment on type campaigns.wish is 'What the n-th booking of a batch wants of a version: minor units off each of some lines.';

create function campaigns.wishes(bookings int[], grants jsonb[]) returns campaigns.wish[] language plpgsql
  set plan_cache_mode = 'force_generic_plan' as $$
-- The grants of a batch as the guards look at them, in order: without labels and traces.
begin
  return array(
    select row(b.n, g ->> 'version_id', g ->> 'campaign_id', g ->> 'amount_minor', g ->> 'code', coalesce(l.seqs, '{}'), coalesce(l.offs, '{}'))::campaigns.wish
      from unnest(bookings, grants) as b (n, wanted), jsonb_array_elements(b.wanted) with ordinality as d (g, ord), lateral (
        select array_agg((l ->> 'seq')::int order by o) as seqs, array_agg((l ->> 'amount_minor')::bigint order by o) as offs
          from jsonb_array_elements(g -> 'lines') with ordinality as e (l, o)) l
     order by b.n, d.ord);
end $$;

create function campaigns.had(campaigns text[], people uuid[]) returns jsonb language plpgsql
  set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off as $$
-- Who is behind accounts ({account: root}), and how often each person has used campaigns, over all linked accounts ({"campaign root": times}).
begin
  return (
    with person as (select a.id, a.root from accounts.accounts a where a.id = any (people))
    select coalesce(jsonb_object_agg(f.name, f.value), '{}') from (
      select p.id::text as name, to_jsonb(p.root) as value from person p
      union all
      select v.campaign_id || ' ' || r.root, to_jsonb(count(*))
        from (select distinct p.root from person p) r join accounts.accounts m on m.root = r.root cross join lateral (
          select o.campaign_id from campaigns.reservations o
           where o.account_id = m.id and o.campaign_id = any (campaigns) and o.state <> 'released' limit 100000) v
       group by v.campaign_id, r.root) f);
end $$;

create function campaigns.grant(
  inout running campaigns.running[], inout used text[], wishes campaigns.wish[], had jsonb, account uuid, number text, channel text, prices bigint[],
  kinds text[], seen bigint, at timestamptz, out refused jsonb, out stood double precision[]
) language plpgsql as $$
-- All wishes of one order or none; refused: {"campaign_id", "reason"}. What trips stays in `running` although the order is refused.
-- `had`: who has had what before (campaigns.had), `used`: in this batch, where that is limited. `stood`: stage, epoch, share_sum, size_sum, tokens after each grant.
-- Who calls this writes the reservations. Most of it is arithmetic on one row after the other: a statement each would cost more.
declare
  w       campaigns.wish;
  r       campaigns.running;
  watched record;
  at_n    int[] := '{}';
  i       int;
  s       int;
  price   bigint;
  inside  text[];
  why     text;
  today   date := (at at time zone 'Asia/Shanghai')::date;
  person  text;
begin
  stood := '{}';
  foreach w in array wishes loop
    i := null;
    for k in 1 .. cardinality(running) loop
      if (running[k]).version_id = w.version_id then
        i := k;
      end if;
    end loop;
    at_n := at_n || i;
    if i is null then
      refused := coalesce(refused, jsonb_build_object('campaign_id', w.campaign_id, 'reason', 'over'));
      continue;
    end if;
    r := running[i];
    if r.state not in ('canary', 'ramping', 'live') or at < r.starts_at or at >= r.ends_at then
      refused := coalesce(refused, jsonb_build_object('campaign_id', r.campaign_id, 'reason', case when r.state = 'tripped' then 'stopped' else 'over' end));
      continue;
    end if;
    price := 0;
    inside := '{}';
    foreach s in array w.seqs loop
      price := price + coalesce(prices[s], 0);
      inside := inside || kinds[s];
    end loop;
    watched := campaigns.watch(r, w.amount_minor, price, inside, channel, seen, at);
    r := watched.r;
    if watched.verdict is not null then
      r.state := 'tripped';
      r.state_since := at;
      r.epoch := r.epoch + 1;
      insert into campaigns.trips (version_id, epoch, reason, at, by, evidence)
      values (r.version_id, r.epoch, watched.verdict, at, 'guard', jsonb_build_object(
        'order', number, 'amount_minor', w.amount_minor, 'price_minor', price, 'share_sum', r.share_sum, 'share_limit', r.share_limit,
        'size_sum', r.size_sum, 'size_limit', r.size_limit, 'tokens', r.tokens, 'pace_depth', r.pace_depth, 'max_minor', r.max_minor,
        'max_bp', r.max_bp, 'matched', r.matched, 'used_minor', r.used_minor, 'used_count', r.used_count, 'stage', r.stage));
      update campaigns.epoch set epoch = epoch + 1;
      refused := coalesce(refused, jsonb_build_object('campaign_id', r.campaign_id, 'reason', 'stopped'));
    elsif r.day_minor is not null and r.day is distinct from today then
      r.day := today;
      r.day_used_minor := 0;
      r.full_since := null;
    end if;
    running[i] := r;
    if refused is not null then
      continue;
    end if;
    why := case
      when r.used_minor + w.amount_minor > r.budget_minor or r.used_count + 1 > r.budget_count then 'budget'
      when r.stage_used_minor + w.amount_minor > r.stage_minor or r.stage_used_count + 1 > r.stage_count then 'stage'
      when r.day_used_minor + w.amount_minor > r.day_minor then 'day'
    end;
    if why is not null and r.full_since is null then
      r.full_since := at;
      running[i] := r;
      update campaigns.epoch set epoch = epoch + 1;
    end if;
    if why is null and r.per_person is not null then
      person := had ->> account::text;
      if r.per_person <= cardinality(array_positions(used, r.campaign_id || ' ' || person)) + coalesce((had ->> (r.campaign_id || ' ' || person))::int, 0) then
        why := 'person';
      end if;
    end if;
    if why is null and w.code is not null then
      perform from campaigns.codes c where c.code = w.code and c.campaign_id = r.campaign_id and c.uses < c.uses_max and c.ended_at is null
          for no key update;
      if not found then
        why := 'code';
      end if;
    end if;
    if why is not null then
      refused := jsonb_build_object('campaign_id', r.campaign_id, 'reason', why);
    end if;
  end loop;
  if refused is not null then
    return;
  end if;

  i := 0;
  foreach w in array wishes loop
    i := i + 1;
    r := running[at_n[i]];
    r.used_minor := r.used_minor + w.amount_minor;
    r.used_count := r.used_count + 1;
    r.stage_used_minor := r.stage_used_minor + w.amount_minor;
    r.stage_used_count := r.stage_used_count + 1;
    r.day_used_minor := r.day_used_minor + w.amount_minor;
    running[at_n[i]] := r;
    stood := stood || array[r.stage, r.epoch, r.share_sum, r.size_sum, r.tokens]::double precision[];
    if r.per_person is not null then
      used := used || (r.campaign_id || ' ' || person);
    end if;
    if w.code is not null then
      update campaigns.codes set uses = uses + 1 where code = w.code;
    end if;
  end loop;
end $$;

create function campaigns.keep(running campaigns.running[]) returns void language plpgsql as $$
-- Writes back what a batch did to the rows it locked: one by one, because they are few and a join would be planned anew each time.
declare
  r campaigns.running;
begin
  foreach r in array running loop
    update campaigns.running t
       set state = r.state, state_since = r.state_since, epoch = r.epoch, used_minor = r.used_minor, used_count = r.used_count,
           stage_used_minor = r.stage_used_minor, stage_used_count = r.stage_used_count, day = r.day, day_used_minor = r.day_used_minor,
           full_since = r.full_since, share_sum = r.share_sum, share_seen = r.share_seen, matched = r.matched, size_sum = r.size_sum,
           tokens = r.tokens, tokens_at = r.tokens_at, open_until = r.open_until
     where t.version_id = r.version_id;
  end loop;
end $$;

create function campaigns.reserved_minor(version uuid) returns bigint language sql stable as $$
  select coalesce(sum(v.amount_minor), 0)::bigint from campaigns.reservations v where v.version_id = version and v.state <> 'released'
$$;

create function campaigns.reserved_count(version uuid) returns bigint language sql stable as $$
  select count(*) from campaigns.reservations v where v.version_id = version and v.state <> 'released'
$$;

create function campaigns.settle(one uuid, becomes text, at timestamptz) returns void language plpgsql as $$
-- An order was confirmed: what it got is redeemed. It ended: its money and its code are free again, unless the campaign was stopped.
-- Paid too late, and the places were still free: the price that was promised stands although others may have had its money and its
-- code meanwhile. All counters say so, above their bounds if need be; `late` says how much of them that is.
begin
  if becomes in ('confirmed', 'used') then
    update campaigns.reservations set state = 'redeemed', settled_at = at where order_id = one and state = 'held';
    if exists (select from campaigns.reservations where order_id = one and state = 'released') then
      perform 1 from campaigns.running t join campaigns.reservations v on v.version_id = t.version_id and v.order_id = one and v.state = 'released'
        order by t.version_id for no key update of t;
      update campaigns.running t
         set used_minor = case when t.state in ('tripped', 'ended') then greatest(t.used_minor, campaigns.reserved_minor(t.version_id) + v.amount_minor)
                               else t.used_minor + v.amount_minor end,
             used_count = case when t.state in ('tripped', 'ended') then greatest(t.used_count, campaigns.reserved_count(t.version_id) + 1)
                               else t.used_count + 1 end,
             late_minor = t.late_minor + v.amount_minor, late_count = t.late_count + 1,
             stage_used_minor = t.stage_used_minor + case when (t.epoch, t.stage) = (v.epoch, v.stage) then v.amount_minor else 0 end,
             stage_used_count = t.stage_used_count + case when (t.epoch, t.stage) = (v.epoch, v.stage) then 1 else 0 end,
             day_used_minor = t.day_used_minor + case when t.day = (v.made_at at time zone 'Asia/Shanghai')::date then v.amount_minor else 0 end
        from campaigns.reservations v where v.order_id = one and v.state = 'released' and t.version_id = v.version_id;
      update campaigns.codes c set uses = c.uses + 1, late = c.late + 1
        from campaigns.reservations v where v.order_id = one and v.state = 'released' and c.code = v.code;
      update campaigns.reservations set state = 'redeemed', late = true, settled_at = at where order_id = one and state = 'released';
    end if;
  elsif becomes in ('cancelled', 'expired') then
    perform 1 from campaigns.running t join campaigns.reservations v on v.version_id = t.version_id and v.order_id = one and v.state <> 'released'
      order by t.version_id for no key update of t;
    with gone as (
      update campaigns.reservations set state = 'released', settled_at = at where order_id = one and state <> 'released'
      returning version_id, amount_minor, stage, epoch, code, made_at, late
    ), back as (
      update campaigns.codes c set uses = c.uses - 1, late = c.late - g.late::int from gone g where c.code = g.code and c.uses > 0
    ), freed as (
      update campaigns.running t
         set used_minor = greatest(0, t.used_minor - g.amount_minor), used_count = greatest(0, t.used_count - 1),
             late_minor = t.late_minor - case when g.late then g.amount_minor else 0 end, late_count = t.late_count - g.late::int,
             stage_used_minor = case when (t.epoch, t.stage) = (g.epoch, g.stage) then greatest(0, t.stage_used_minor - g.amount_minor) else t.stage_used_minor end,
             stage_used_count = case when (t.epoch, t.stage) = (g.epoch, g.stage) then greatest(0, t.stage_used_count - 1) else t.stage_used_count end,
             day_used_minor = case when t.day = (g.made_at at time zone 'Asia/Shanghai')::date
                                   then greatest(0, t.day_used_minor - g.amount_minor) else t.day_used_minor end,
             full_since = null
        from gone g where t.version_id = g.version_id and t.state <> 'tripped' returning t.full_since
    )
    update campaigns.epoch set epoch = epoch + 1
     where exists (select from campaigns.running t join campaigns.reservations v on v.version_id = t.version_id
                    where v.order_id = settle.one and t.full_since is not null and t.state <> 'tripped')
       and (select count(*) from freed) > 0;
  end if;
end $$;

-- Orders: a line keeps its list price and says what it was reduced by; the order's amount is what is paid.
alter type orders.placing add attribute epoch bigint, add attribute grants jsonb, add attribute offer int, add attribute quoted_total_minor bigint;
comment on type orders.placing is 'A booking of a batch. offer: the n of the booking whose `grants` it is given, too, because in a batch many are alike.';
alter table orders.lines add column discount_minor bigint not null default 0 check (discount_minor between 0 and quantity * unit_minor);
comment on column orders.lines.discount_minor is 'What campaigns took off this line, all tickets together; campaigns.reservations says which and why.';
alter table orders.orders add column granted boolean not null default false;
comment on column orders.orders.granted is 'Campaigns granted something to this order: what becomes of it settles what was reserved.';

create function orders.settle_grants() returns trigger language plpgsql as $$
begin
  perform campaigns.settle(new.id, new.state, clock_timestamp());
  return null;
end $$;
create trigger grants_settled after update of state on orders.orders
  for each row when (new.granted and old.state is distinct from new.state) execute function orders.settle_grants();

call kit.edit_function('orders.place_many(json, json, json, timestamptz, interval, text[])', array[
  ['  with_quota boolean;', '  with_quota boolean;
  running    campaigns.running[];  -- campaigns that this batch wants something of, in id order
  wishes     campaigns.wish[] := ''{}'';  -- what is wanted of them, once for all bookings that are alike; by the n of the first of these:
  first_wish int[] := ''{}'';      --   the position of its first wish
  last_wish  int[] := ''{}'';      --   and of its last
  had        jsonb := ''{}'';      -- who has had what of them before,
  used       text[] := ''{}'';     -- and in this batch
  from_wish  int;
  to_wish    int;
  stood      double precision[] := ''{}'';  -- five figures of where the campaign stood after each grant;
  stood_from int[] := ''{}'';      -- by n: the position before its first,
  line_from  int[] := ''{}'';      -- and before its first line in the lists of lines:
  listed     bigint[] := ''{}'';   -- list prices,
  tickets    int[] := ''{}'';      -- tickets,
  offs       bigint[] := ''{}'';   -- and what is taken off
  got        record;
  epoch_now  bigint;
  marked     timestamptz;          -- until then, bookings know by a mark when they were placed
  saved      bigint;               -- what campaigns take off a booking'],
    -- the campaigns'' rows are locked last
  ['  -- What is left and what is taken, read under the locks.', '  if exists (select from unnest(asked) q where q.offer is not null) then
    wishes := campaigns.wishes(array(select q.n from unnest(asked) q where q.grants is not null order by q.n),
                               array(select q.grants from unnest(asked) q where q.grants is not null order by q.n));
    for i in 1 .. cardinality(wishes) loop
      last_wish[(wishes[i]).n] := i;
      if first_wish[(wishes[i]).n] is null then
        first_wish[(wishes[i]).n] := i;
      end if;
    end loop;
    running := campaigns.load(array(select distinct q.version_id from unnest(wishes) q));
    if exists (select from unnest(running) r where r.per_person is not null) then
      had := campaigns.had(array(select r.campaign_id from unnest(running) r where r.per_person is not null),
                           array(select q.account_id from unnest(asked) q where q.offer is not null));
    end if;
  end if;
  select e.epoch, e.marked_until into epoch_now, marked from campaigns.epoch e;
  if at >= marked then
    perform campaigns.mark(at);
  end if;

  -- What is left and what is taken, read under the locks.'],
  ['c.amount_minor * w.quantity as amount, c.currency,', 'c.amount_minor * w.quantity as amount, c.currency, v.kind, w.quantity::int as tickets,'],
  ['        left join catalogue.products p on p.id = s.product_id
', '        left join catalogue.products p on p.id = s.product_id
        left join catalogue.venues v on v.id = s.venue_id
'],
  ['array_agg(slot order by seq) as line_slots,', 'array_agg(slot order by seq) as line_slots, array_agg(amount order by seq) as line_amounts, array_agg(kind order by seq) as line_kinds, array_agg(tickets order by seq) as line_tickets,'],
  ['    verdict := b.problem;
', '    verdict := b.problem;
    if (asked[b.n]).epoch <> epoch_now then
      results[b.n] := ''{"problem": "offers-moved", "fields": {}}'';  -- priced with what is not offered any more: priced again, not remembered
      continue;
    end if;
'],
  ['    if verdict is null then
      for i in 1 .. cardinality(b.line_slots) loop
        need[', '    saved := 0;
    from_wish := first_wish[(asked[b.n]).offer];
    to_wish := last_wish[(asked[b.n]).offer];
    if from_wish is not null then
      for i in from_wish .. to_wish loop
        saved := saved + (wishes[i]).amount_minor;
      end loop;
    end if;
    if verdict is null and (asked[b.n]).quoted_total_minor < b.amount - saved then
      verdict := jsonb_build_object(''problem'', ''total-changed'', ''fields'', jsonb_build_object(
        ''quoted_minor'', (asked[b.n]).quoted_total_minor, ''total_minor'', b.amount - saved, ''currency'', b.currency));
      for i in 1 .. cardinality(b.line_slots) loop
        free[b.line_slots[i]] := free[b.line_slots[i]] + b.line_places[i];
      end loop;
    end if;
    if verdict is null and from_wish is not null then
      got := campaigns.grant(running, used, wishes[from_wish:to_wish], had, (asked[b.n]).account_id, (asked[b.n]).number, (asked[b.n]).channel,
                             b.line_amounts, b.line_kinds, nextval(''campaigns.orders_seen''), at);
      running := got.running;
      used := got.used;
      if got.refused is not null then
        verdict := jsonb_build_object(''problem'', ''benefit-over'', ''fields'', got.refused);
        for i in 1 .. cardinality(b.line_slots) loop
          free[b.line_slots[i]] := free[b.line_slots[i]] + b.line_places[i];
        end loop;
      else
        stood_from[b.n] := cardinality(stood);
        for i in 1 .. cardinality(got.stood) loop
          stood[stood_from[b.n] + i] := got.stood[i];
        end loop;
        line_from[b.n] := cardinality(listed);
        listed := listed || b.line_amounts;
        tickets := tickets || b.line_tickets;
        offs := offs || array_fill(0::bigint, array[cardinality(b.line_amounts)]);
        for i in from_wish .. to_wish loop
          for j in 1 .. cardinality((wishes[i]).seqs) loop
            k := line_from[b.n] + (wishes[i]).seqs[j];
            offs[k] := offs[k] + (wishes[i]).offs[j];
          end loop;
        end loop;
      end if;
    elsif verdict is null and b.amount > 0 then
      perform nextval(''campaigns.orders_seen'');
    end if;

    if verdict is null then
      for i in 1 .. cardinality(b.line_slots) loop
        need['],
  ['''amount_minor'', b.amount,
        ''currency'', b.currency, ''state'', case when b.amount = 0 then', '''amount_minor'', b.amount - saved,
        ''currency'', b.currency, ''state'', case when b.amount = saved then'],
  ['case when b.amount > 0 then at + hold end', 'case when b.amount > saved then at + hold end'],
  ['channel, placed_at, expires_at, confirmed_at)', 'channel, placed_at, expires_at, confirmed_at, granted)'],
  ['case when results[q.n] ->> ''state'' = ''confirmed'' then at end
      from', 'case when results[q.n] ->> ''state'' = ''confirmed'' then at end,
           q.offer is not null
      from'],
  ['insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor)', 'insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor, discount_minor)'],
  ['           c.amount_minor
      from unnest(wanted) w join catalogue.prices c', '           c.amount_minor, coalesce(offs[line_from[w.n] + w.seq], 0)
      from unnest(wanted) w join catalogue.prices c'],
  ['    insert into orders.lines (order_id,', '    if cardinality(stood_from) > 0 then
      insert into campaigns.reservations (order_id, version_id, campaign_id, order_number, account_id, state, amount_minor, currency, lines,
                                          label, gift, code, trace, stage, epoch, share_sum, size_sum, tokens, made_at, settled_at)
      select q.order_id, (g ->> ''version_id'')::uuid, g ->> ''campaign_id'', q.number, q.account_id,
             case when results[q.n] ->> ''state'' = ''confirmed'' then ''redeemed'' else ''held'' end, (g ->> ''amount_minor'')::bigint,
             results[q.n] ->> ''currency'', (
               select coalesce(jsonb_agg(l || jsonb_build_object(''listed_minor'', listed[line_from[q.n] + (l ->> ''seq'')::int],
                                                                ''tickets'', tickets[line_from[q.n] + (l ->> ''seq'')::int]) order by o), ''[]'')
                 from jsonb_array_elements(g -> ''lines'') with ordinality as e (l, o)),
             g -> ''label'', nullif(g -> ''gift'', ''null''), g ->> ''code'', g -> ''trace'', stood[w.base + 1], stood[w.base + 2], stood[w.base + 3],
             stood[w.base + 4], stood[w.base + 5], at, case when results[q.n] ->> ''state'' = ''confirmed'' then at end
        from (select o.n, d.g, d.ord from unnest(asked) o cross join lateral jsonb_array_elements(o.grants) with ordinality as d (g, ord)) o
        join unnest(asked) q on q.offer = o.n
        cross join lateral (select stood_from[q.n] + (o.ord::int - 1) * 5 as base) w
       where placed[q.n];
    end if;

    insert into orders.lines (order_id,'],
  ['  perform kit.remember_many(', '  if cardinality(running) > 0 then
    perform campaigns.keep(running);
  end if;
  perform kit.remember_many(']]);
