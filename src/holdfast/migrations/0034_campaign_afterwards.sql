-- What becomes of a discount after pricing: split with its line, booked to who pays it, and honoured when it was a mistake.
-- depends: 0033_campaign_running
set lock_timeout = '5s';

create table orders.line_discounts (
  order_id      uuid not null,
  line_seq      smallint not null,
  version_id    uuid not null,
  amount_minor  bigint not null check (amount_minor >= 0),
  granted_minor bigint not null check (granted_minor >= amount_minor),
  granted_unit_minor bigint not null,
  from_order   uuid,
  from_line    smallint,
  primary key (order_id, line_seq, version_id),
  foreign key (order_id, line_seq) references orders.lines (order_id, seq),
  check ((from_order is null) = (from_line is null))
);
create unique index line_discounts_come_once on orders.line_discounts (from_order, from_line, version_id) where from_order is not null;
comment on table orders.line_discounts is 'What each version took off each line, all its tickets together. The sum over the versions is the line''s discount_minor.';
comment on column orders.line_discounts.granted_minor is 'What was granted for these tickets when they were booked: the most that they keep when their date is changed.';
comment on column orders.line_discounts.granted_unit_minor is 'What a ticket cost then. At that price and above all of it is kept.';
comment on column orders.line_discounts.from_order is 'It came along with places that were lost by a cut and taken back: the order and (from_line) the line that had it. Once each.';

-- What was granted to new orders, by line. Lines that come later (a part that left, another date) bring theirs along.
call kit.edit_function('orders.place_many(json, json, json, timestamptz, interval, text[])', array[
  ['    insert into orders.travellers (', '    if cardinality(stood_from) > 0 then
      insert into orders.line_discounts (order_id, line_seq, version_id, amount_minor, granted_minor, granted_unit_minor)
      select q.order_id, l.seq, w.version_id, l.off, l.off, listed[line_from[q.n] + l.seq] / tickets[line_from[q.n] + l.seq]
        from unnest(asked) q join unnest(wishes) w on w.n = q.offer cross join lateral unnest(w.seqs, w.offs) as l (seq, off)
       where placed[q.n] and l.off > 0;
    end if;

    insert into orders.travellers (']]);

-- Places that come back cost what they had cost: a line may bring its price and its discount along (orders.displacement_prices).

alter type orders.placing_line add attribute kept_minor bigint, add attribute off_minor bigint;
comment on type orders.placing_line is 'A line of a booking. kept_minor: a ticket costs so much at most. off_minor: taken off by grants that come along from another order.';

call kit.edit_function('orders.place_many(json, json, json, timestamptz, interval, text[])', array[
  ['  saved      bigint;               -- what campaigns take off a booking', '  saved      bigint;               -- what campaigns take off a booking
  along      boolean[] := ''{}'';  -- by n: grants come along with it from another order'],
  ['c.amount_minor * w.quantity as amount, c.currency,', 'least(c.amount_minor, w.kept_minor) * w.quantity as amount, w.off_minor as off, c.currency,'],
  ['[1] as problem, sum(amount) as amount,', '[1] as problem, sum(amount) as amount, sum(off) as off,'],
  ['    saved := 0;
', '    saved := coalesce(b.off, 0);
    if b.off is not null then
      along[b.n] := true;
    end if;
'],
  ['           q.offer is not null
      from', '           q.offer is not null or coalesce(along[q.n], false)
      from'],
  ['           c.amount_minor, coalesce(offs[line_from[w.n] + w.seq], 0)', '           least(c.amount_minor, w.kept_minor), coalesce(offs[line_from[w.n] + w.seq], w.off_minor, 0)'],
  -- offers of the waiting list are priced as bookings on the website (orders.offers.SOLD_AS)
  ['(asked[b.n]).account_id, (asked[b.n]).number, (asked[b.n]).channel,
', '(asked[b.n]).account_id, (asked[b.n]).number,
                             case (asked[b.n]).channel when ''waitlist'' then ''web'' else (asked[b.n]).channel end,
']]);

alter table campaigns.reservations
  add column carried_from uuid,
  add column passed_minor bigint not null default 0 check (passed_minor >= 0);
create unique index gifts_come_once on campaigns.reservations (carried_from, version_id) where carried_from is not null and gift is not null and state <> 'released';
comment on column campaigns.reservations.carried_from is 'The order that was granted this first: it lost its places without fault, and they were taken back. Made when that was made, and late: over every bound if need be.';
comment on column campaigns.reservations.passed_minor is 'Of what was granted: gone along to orders for places that came back. amount_minor and this are what `lines` add up to.';
comment on column campaigns.reservations.late is 'It had been released, and holds again because its payment came late or its places came back after a cut: over every bound if need be.';
comment on column campaigns.running.late_minor is 'Released when the order ran out or was cut, perhaps given to others, and owed after all: paid late, or its places came back. What was promised stands.';
comment on column campaigns.codes.late is 'Of its uses: orders that had run out or were cut, so that the code was free for others, and that stand after all.';

create function campaigns.used_again(from_order uuid, version uuid) returns boolean language sql stable as $$
  -- Whether the person who lost a grant with its order has had all that one person may have of it since then: it does not come back on top.
  select exists (
    select from campaigns.reservations v join campaigns.running r on r.version_id = v.version_id join accounts.accounts a on a.id = v.account_id
      left join campaigns.codes c on c.code = v.code
      cross join lateral (
        select count(*) as uses, bool_or(o.code = v.code) as with_code
          from accounts.accounts m join campaigns.reservations o on o.account_id = m.id
         where m.root = a.root and o.campaign_id = v.campaign_id and o.state <> 'released'
           and coalesce(o.carried_from, o.order_id) <> coalesce(v.carried_from, v.order_id)) since
     where v.order_id = from_order and v.version_id = version and v.state = 'released'
       and (since.uses >= r.per_person or since.with_code and c.uses >= c.uses_max))
$$;

create function campaigns.carry(from_order uuid, to_order uuid, number text, becomes text, version uuid, amount bigint, of_lines jsonb,
                                benefit jsonb, at timestamptz) returns boolean language plpgsql as $$
-- What a version granted one order goes along to the order for the places that came back; false: not any more (used_again). The same
-- version, moment and stage, so the same payer and the same incident; no watch sees it, because it is nothing new, and no bound holds it up.
-- The first order is over: it counts again. It stands with its other visits: this part of its reservation moves, and its code
-- stays there, as it goes with the first where several visits come back one by one.
declare
  v      campaigns.reservations;
  stands boolean;
  first  uuid;
  typed  text;
begin
  perform from campaigns.running t where t.version_id = version for no key update;
  select * into v from campaigns.reservations t where t.order_id = from_order and t.version_id = version;
  if v.order_id is null or campaigns.used_again(from_order, version) then
    return false;
  end if;
  stands := v.state <> 'released';
  first := coalesce(v.carried_from, v.order_id);
  typed := case when not stands and not exists (
    select from campaigns.reservations o where o.carried_from = first and o.version_id = version and o.account_id = v.account_id
       and o.code = v.code and o.state <> 'released') then v.code end;
  if stands then
    update campaigns.reservations t set amount_minor = t.amount_minor - amount, passed_minor = t.passed_minor + amount
     where t.order_id = from_order and t.version_id = version;
  end if;
  insert into campaigns.reservations (order_id, version_id, campaign_id, order_number, account_id, state, amount_minor, currency, lines, label,
                                      gift, code, trace, stage, epoch, late, made_at, settled_at, carried_from)
  values (to_order, version, v.campaign_id, number, v.account_id, becomes, amount, v.currency, of_lines, v.label,
          benefit, typed, v.trace, v.stage, v.epoch, true, v.made_at, case when becomes = 'redeemed' then at end, first);
  update campaigns.running t
     set used_minor = case when stands then t.used_minor
                           when t.state in ('tripped', 'ended') then greatest(t.used_minor, campaigns.reserved_minor(version))
                           else t.used_minor + amount end,
         used_count = case when t.state in ('tripped', 'ended') then greatest(t.used_count, campaigns.reserved_count(version))
                           else t.used_count + 1 end,
         late_minor = t.late_minor + case when stands and v.late then 0 else amount end, late_count = t.late_count + 1,
         stage_used_minor = t.stage_used_minor + case when not stands and (t.epoch, t.stage) = (v.epoch, v.stage) then amount else 0 end,
         stage_used_count = t.stage_used_count + case when (t.epoch, t.stage) = (v.epoch, v.stage) then 1 else 0 end,
         day_used_minor = t.day_used_minor + case when not stands and t.day = (v.made_at at time zone 'Asia/Shanghai')::date then amount else 0 end
   where t.version_id = version;
  update campaigns.codes c set uses = c.uses + 1, late = c.late + 1 where c.code = typed;
  return true;
end $$;

-- Who pays. Discounts stand beside the order's money: both together are the price that the supplier gets.

insert into ledger.chart (code, name_en, name_zh, normal, guarded) values
  ('1060', 'Subsidies receivable', '应收补贴款', 'D', false),
  ('1095', 'Campaigns to be decided', '待决活动款', 'D', false),
  ('2060', 'Discounts of orders', '订单优惠', 'C', true);

create table orders.discount_books (
  id         bigint generated always as identity primary key,
  order_id   uuid not null references orders.orders (id),
  version_id uuid not null references campaigns.versions (id),
  code       text not null,
  owner      text not null,
  minor      bigint not null check (minor <> 0),
  journal_id uuid not null references ledger.journals (id),
  at         timestamptz not null
);
create index discount_books_order on orders.discount_books (order_id, version_id);
comment on table orders.discount_books is 'By how much more (or less) each account bears of an order''s discount by a version; each row belongs to one journal.';

create function orders.refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'orders.% keeps what it holds: write a new row', tg_table_name;
end $$;
create trigger discount_books_stay before update or delete or truncate on orders.discount_books
  for each statement execute function orders.refuse_rewriting();

create function orders.tell_of_grants() returns trigger language plpgsql as $$
-- Whatever happens to a confirmed order that was granted something, its books follow.
begin
  insert into kit.outbox (topic, subscriber, payload, emitted_at, due_at)
  values ('order.granted', 'orders.jobs.settle_grants', jsonb_build_object('order_id', new.id), clock_timestamp(), clock_timestamp());
  return null;
end $$;
create trigger grants_booked_at_once after insert on orders.orders
  for each row when (new.granted and new.state = 'confirmed') execute function orders.tell_of_grants();
create trigger grants_booked after update of state, amount_minor, ticket_version on orders.orders
  for each row when (new.granted and (new.state in ('confirmed', 'used') or old.state in ('confirmed', 'used'))
                     and (old.state, old.amount_minor, old.ticket_version) is distinct from (new.state, new.amount_minor, new.ticket_version))
  execute function orders.tell_of_grants();

-- A mistake is honoured: decided once for each stop, by two people, then told to everybody it touched.

create table orders.honours (
  trip_id     uuid primary key references campaigns.trips (id),
  verdict     text not null check (verdict in ('honour', 'right')),
  since       timestamptz not null,
  false_label boolean not null,
  reason      text not null,
  proposal_id uuid not null,
  proposed_by text not null,
  approved_by text not null,
  decided_at  timestamptz not null,
  ended_at    timestamptz,
  check (approved_by <> proposed_by)
);
comment on table orders.honours is 'What was decided of a stopped campaign. honour: what it granted since then stays, at the platform''s cost. right: there was no mistake.';
comment on column orders.honours.false_label is 'The label named somebody as payer who does not pay: receipts and invoices say who bears it.';

create function orders.keep_decision() returns trigger language plpgsql as $$
begin
  if tg_op <> 'UPDATE' or (to_jsonb(new) - 'ended_at') <> (to_jsonb(old) - 'ended_at') then
    raise exception 'orders.% keeps what was decided', tg_table_name;
  end if;
  return new;
end $$;
create trigger honours_stay before update or delete on orders.honours for each row execute function orders.keep_decision();

create table orders.honoured (
  trip_id      uuid not null references orders.honours (trip_id),
  order_id     uuid not null references orders.orders (id),
  amount_minor bigint not null,
  at           timestamptz not null,
  primary key (trip_id, order_id)
);
comment on table orders.honoured is 'Orders whose books and receipts were put right after a stop was decided; once each. amount_minor: what of it is honoured.';

create table orders.honour_notices (
  trip_id    uuid not null references orders.honours (trip_id),
  root       uuid not null,
  order_id   uuid not null references orders.orders (id),
  at         timestamptz not null,
  primary key (trip_id, root)
);
comment on table orders.honour_notices is 'Who was told that the benefit of a mistake is theirs: each person once for each mistake.';

create table orders.abuses (
  trip_id     uuid not null references campaigns.trips (id),
  account_id  uuid not null,
  evidence    text not null check (length(evidence) >= 20),
  proposal_id uuid not null,
  proposed_by text not null,
  approved_by text not null check (approved_by <> proposed_by),
  decided_at  timestamptz not null,
  primary key (trip_id, account_id)
);
comment on table orders.abuses is 'Accounts that used a mistake in bad faith, each decided by itself on evidence: visits not begun are cancelled and their money goes back whole.';
create trigger abuses_stay before update or delete or truncate on orders.abuses
  for each statement execute function orders.refuse_rewriting();

create function orders.facts(slots uuid[], prices text[], people uuid[], counts_orders boolean, counts_uses boolean) returns json language plpgsql stable
  set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off as $$
-- What pricing needs to know of a batch: of pairs of slot and price, and of who books over all linked accounts: since when,
-- and only if asked how many orders they had before and how often they have used campaigns. Every look-up is by key, and planning
-- them anew for each batch would cost more than the look-ups do.
begin
  return json_build_object(
    'tickets', (
      select coalesce(json_agg(json_build_object(
               'slot_id', s.id, 'price_id', c.id, 'product_id', s.product_id, 'venue_id', s.venue_id, 'city', v.city ->> 'zh', 'kind', v.kind,
               'ticket', c.ticket, 'visit_date', s.visit_date, 'starts_at', s.starts_at, 'time_zone', v.time_zone,
               'unit_minor', c.amount_minor, 'currency', c.currency)), '[]')
        from unnest(slots, prices) as t (slot_id, price_id)
        join inventory.slots s on s.id = t.slot_id
        join catalogue.prices c on c.id = t.price_id and c.product_id = s.product_id
        join catalogue.venues v on v.id = s.venue_id),
    'people', (
      select coalesce(json_agg(json_build_object(
               'account_id', p.id, 'since', p.since, 'earlier', case when counts_orders then (
                 select least(sum(e.orders), 1000) from accounts.accounts m cross join lateral (select count(*) as orders from (
                   select from orders.orders o where o.account_id = m.id and o.state in ('confirmed', 'used') limit 1000) f) e
                  where m.root = p.root) end,
               'redemptions', case when counts_uses then (
                 select coalesce(json_object_agg(r.campaign_id, r.uses), '{}') from (
                   select v.campaign_id, count(*) as uses
                     from accounts.accounts m cross join lateral (  -- limit: a look-up by key for each, never the whole table hashed
                       select o.campaign_id from campaigns.reservations o
                        where o.account_id = m.id and o.state <> 'released' limit 100000) v
                    where m.root = p.root group by v.campaign_id) r) else '{}' end)), '[]')
        from (
          select a.id, a.root, min(m.created_at) as since
            from unnest(people) as w (id) join accounts.accounts a on a.id = w.id join accounts.accounts m on m.root = a.root
           group by a.id, a.root) p));
end $$;
