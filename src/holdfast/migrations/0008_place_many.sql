-- Group commit: concurrent bookings are decided in arrival order and written set-based, in one transaction.
-- depends: 0007_orders
set lock_timeout = '5s';

create function orders.place_many(
  requests json, request_lines json, request_travellers json, at timestamptz, hold interval, subscribers text[]
) returns json language plpgsql set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off as $$
#variable_conflict use_column
-- Answers one result per request, in order of n: {"order_id", "number", "state", "amount_minor", "currency",
-- "expires_at"} or {"problem", "fields"}. Equal keys of one account get equal answers.
--
-- Two things keep it fast. Planning these statements anew would cost three times what running them for one booking
-- does, and every look-up is by key, so the generic plan serves one request as well as 256; without sequential scans,
-- because a plan made while the tables were small would still scan them when a rush has filled them. And what belongs
-- to one request is found by subscript, asked[n], never by joining two lists of unknown length.
declare
  asked      orders.placing[];
  wanted     orders.placing_line[];
  people     orders.placing_traveller[];
  slots      uuid[];               -- distinct slots, in id order; their position is the slot's ordinal
  free       int[];                -- places left by slot ordinal, as decisions consume them
  need       int[];                -- places taken by this batch, by slot ordinal
  claim_n    int[];                -- documents that count once a day, in order of request: which request,
  claim_seq  int[];                --   which traveller of it,
  claim_id   int[];                --   and which person on which day at which venue, numbered
  claimed    boolean[];            -- whether that is taken, by claim id
  quota_n    int[] := '{}';        -- accounts with a daily limit at a venue, in order of request
  quota_id   int[] := '{}';
  quota_need int[] := '{}';
  quota_left int[] := '{}';        -- tickets left, by quota id
  next_claim int := 1;
  next_quota int := 1;
  last       int;
  b          record;
  verdict    jsonb;
  results    jsonb[];              -- by n
  placed     boolean[];            -- by n: an order is to be written
  fresh      boolean[];            -- by n: the result is to be remembered
  with_quota boolean;
  k          int;
begin
  select array_agg(r order by r.n) into asked from json_populate_recordset(null::orders.placing, requests) r;
  select array_agg(l order by l.n, l.seq) into wanted from json_populate_recordset(null::orders.placing_line, request_lines) l;
  select coalesce(array_agg(t order by t.n, t.seq), '{}') into people
    from json_populate_recordset(null::orders.placing_traveller, request_travellers) t;

  results := array_fill('{"problem": "nothing-chosen", "fields": {}}'::jsonb, array[cardinality(asked)]);
  placed := array_fill(false, array[cardinality(asked)]);
  fresh := placed;

  -- Locks, always in this order: the persons whose daily quota counts, then slots; each in id order.
  perform 1 from accounts.accounts a
   where a.id in (select m.root from unnest(wanted) w
                    join inventory.slots s on s.id = w.slot_id
                    join catalogue.products p on p.id = s.product_id and p.per_account_day is not null
                    join accounts.accounts m on m.id = (asked[w.n]).account_id)
   order by a.id for no key update;
  with_quota := found;
  select array_agg(id order by id) into slots from (select distinct w.slot_id as id from unnest(wanted) w) d;
  perform inventory.lock_many(slots);

  -- What is left and what is taken, read under the locks.
  select array_agg(coalesce(s.capacity - s.taken, 0) order by d.ord), array_agg(0) into free, need
    from unnest(slots) with ordinality d (id, ord) left join inventory.slots s on s.id = d.id;

  with claim as (
    select t.n, t.seq, s.visit_date, s.venue_id, t.document_index,
           dense_rank() over (order by s.visit_date, s.venue_id, t.document_index)::int as id
      from unnest(people) t join inventory.slots s on s.id = t.slot_id
      join catalogue.products p on p.id = s.product_id and p.once_per_document_day
  ), distinct_claim as (
    select d.id, o.live is not null as taken from (select distinct on (c.id) c.* from claim c order by c.id) d
      left join lateral (  -- limit: a look-up by key for each, never the whole table hashed
        select o.live from orders.travellers o where o.live and o.once and o.visit_date = d.visit_date
           and o.venue_id = d.venue_id and o.document_index = d.document_index limit 1) o on true
  )
  select array_agg(c.n order by c.n, c.seq), array_agg(c.seq order by c.n, c.seq), array_agg(c.id order by c.n, c.seq),
         (select array_agg(d.taken order by d.id) from distinct_claim d)
    into claim_n, claim_seq, claim_id, claimed from claim c;

  if with_quota then
    with quota as (
      select w.n, sum(w.quantity)::int as quantity, m.root, s.venue_id, s.visit_date, min(p.per_account_day) as allowed,
             dense_rank() over (order by m.root, s.venue_id, s.visit_date)::int as id
        from unnest(wanted) w join inventory.slots s on s.id = w.slot_id
        join catalogue.products p on p.id = s.product_id and p.per_account_day is not null
        join accounts.accounts m on m.id = (asked[w.n]).account_id
       group by w.n, m.root, s.venue_id, s.visit_date
    ), distinct_quota as (
      select d.id, d.allowed - coalesce((
               select sum(l.quantity) from orders.orders o join orders.lines l on l.order_id = o.id and l.live
                 join inventory.slots s on s.id = l.slot_id and s.venue_id = d.venue_id and s.visit_date = d.visit_date
                where o.account_id in (select a.id from accounts.accounts a where a.root = d.root)), 0)::int as left_over
        from (select q.id, q.root, q.venue_id, q.visit_date, min(q.allowed) as allowed from quota q
               group by q.id, q.root, q.venue_id, q.visit_date) d
    )
    select array_agg(q.n order by q.n, q.id), array_agg(q.id order by q.n, q.id), array_agg(q.quantity order by q.n, q.id),
           (select array_agg(d.left_over order by d.id) from distinct_quota d)
      into quota_n, quota_id, quota_need, quota_left from quota q;
  end if;

  for b in
    with line as (
      select w.n, w.seq, array_position(slots, w.slot_id) as slot, case when c.uses_place then w.quantity else 0 end as places,
             c.amount_minor * w.quantity as amount, c.currency,
             case
               when s.id is null then jsonb_build_object('problem', 'slot-unknown', 'fields', jsonb_build_object('slot_id', w.slot_id))
               when s.state <> 'open' then jsonb_build_object('problem', 'slot-closed', 'fields', jsonb_build_object('slot_id', s.id, 'reason', s.reason))
               when at < s.sale_opens_at then jsonb_build_object('problem', 'not-yet-on-sale', 'fields', jsonb_build_object('slot_id', s.id, 'sale_opens_at', s.sale_opens_at))
               when at >= s.sale_closes_at then jsonb_build_object('problem', 'sale-over', 'fields', jsonb_build_object('slot_id', s.id))
               when c.id is null then jsonb_build_object('problem', 'price-unknown', 'fields', jsonb_build_object('price_id', w.price_id))
               when w.quoted_minor <> c.amount_minor then jsonb_build_object('problem', 'price-changed', 'fields',
                    jsonb_build_object('price_id', c.id, 'quoted_minor', w.quoted_minor, 'amount_minor', c.amount_minor))
               when p.real_name and w.quantity <> w.people
                    then jsonb_build_object('problem', 'travellers-incomplete', 'fields', jsonb_build_object('line', w.seq, 'needed', w.quantity))
               when not w.document_types <@ p.documents
                    then jsonb_build_object('problem', 'document-not-accepted', 'fields', jsonb_build_object('line', w.seq, 'accepted', p.documents))
               when sum(w.quantity) over (partition by w.n, s.product_id) > p.max_per_order
                    then jsonb_build_object('problem', 'too-many-per-order', 'fields', jsonb_build_object(
                      'asked', sum(w.quantity) over (partition by w.n, s.product_id), 'allowed', p.max_per_order))
             end as problem
        from unnest(wanted) w
        left join inventory.slots s on s.id = w.slot_id
        left join catalogue.products p on p.id = s.product_id
        left join catalogue.prices c on c.id = w.price_id and c.product_id = s.product_id and c.retired_at is null
              and catalogue.in_season(s.visit_date, c.from_day, c.to_day)
    ), booking as (
      select n, (array_agg(problem order by seq) filter (where problem is not null))[1] as problem, sum(amount) as amount,
             min(currency) as currency, count(distinct currency) as currencies,
             array_agg(slot order by seq) as line_slots, array_agg(places order by seq) as line_places
        from line group by n
    )
    select k.*, r.result as known, r.body_hash is distinct from (asked[k.n]).body_hash as differs,
           min(k.n) over same as first_n,
           first_value((asked[k.n]).body_hash) over same is distinct from (asked[k.n]).body_hash as differs_from_first
      from booking k left join lateral (
        select r.result, r.body_hash from kit.replies r where r.scope = (asked[k.n]).account_id and r.key = (asked[k.n]).key limit 1
      ) r on true
    window same as (partition by (asked[k.n]).account_id, (asked[k.n]).key order by k.n)
     order by k.n
  loop
    if b.known is not null then
      results[b.n] := case when b.differs then '{"problem": "key-reused", "fields": {}}'::jsonb else b.known end;
      continue;
    elsif b.first_n < b.n then
      results[b.n] := case when b.differs_from_first then '{"problem": "key-reused", "fields": {}}'::jsonb else results[b.first_n] end;
      continue;
    end if;
    while claim_n[next_claim] < b.n loop next_claim := next_claim + 1; end loop;
    while quota_n[next_quota] < b.n loop next_quota := next_quota + 1; end loop;
    verdict := b.problem;
    if verdict is null and b.currencies > 1 then
      verdict := '{"problem": "mixed-currencies", "fields": {}}';
    end if;

    -- Claim what the booking needs, one thing after another; what cannot be had is the verdict, and the claims go back.
    last := next_claim + 1;
    while verdict is null and claim_n[last] = b.n loop  -- a booking's claims stand side by side
      if claim_id[last] = any (claim_id[next_claim:last - 1]) then
        verdict := '{"problem": "document-twice", "fields": {}}';
      end if;
      last := last + 1;
    end loop;
    last := next_claim;
    while verdict is null and claim_n[last] = b.n loop
      if claimed[claim_id[last]] then
        verdict := jsonb_build_object('problem', 'document-already-booked', 'fields', jsonb_build_object('traveller', claim_seq[last]));
      else
        claimed[claim_id[last]] := true;
        last := last + 1;
      end if;
    end loop;
    for i in next_quota .. coalesce(cardinality(quota_n), 0) loop
      exit when verdict is not null or quota_n[i] > b.n;
      if quota_left[quota_id[i]] < quota_need[i] then
        verdict := jsonb_build_object('problem', 'too-many-that-day', 'fields', jsonb_build_object('left', greatest(quota_left[quota_id[i]], 0)));
      end if;
    end loop;
    if verdict is null then
      for i in 1 .. cardinality(b.line_slots) loop
        free[b.line_slots[i]] := free[b.line_slots[i]] - b.line_places[i];
      end loop;
      for i in 1 .. cardinality(b.line_slots) loop
        if free[b.line_slots[i]] < 0 and b.line_places[i] > 0 then
          select sum(p) into k from unnest(b.line_slots, b.line_places) as l (s, p) where l.s = b.line_slots[i];
          verdict := jsonb_build_object('problem', 'slot-full', 'fields', jsonb_build_object('slot_id', slots[b.line_slots[i]],
            'asked', k, 'places_left', greatest(free[b.line_slots[i]] + k, 0)));
          exit;
        end if;
      end loop;
      if verdict is not null then
        for i in 1 .. cardinality(b.line_slots) loop
          free[b.line_slots[i]] := free[b.line_slots[i]] + b.line_places[i];
        end loop;
      end if;
    end if;

    if verdict is null then
      for i in 1 .. cardinality(b.line_slots) loop
        need[b.line_slots[i]] := need[b.line_slots[i]] + b.line_places[i];
      end loop;
      for i in next_quota .. coalesce(cardinality(quota_n), 0) loop
        exit when quota_n[i] > b.n;
        quota_left[quota_id[i]] := quota_left[quota_id[i]] - quota_need[i];
      end loop;
      placed[b.n] := true;
      verdict := jsonb_build_object('order_id', (asked[b.n]).order_id, 'number', (asked[b.n]).number, 'amount_minor', b.amount,
        'currency', b.currency, 'state', case when b.amount = 0 then 'confirmed' else 'held' end,
        'expires_at', case when b.amount > 0 then at + hold end);
    else
      for i in next_claim .. last - 1 loop claimed[claim_id[i]] := false; end loop;
    end if;
    fresh[b.n] := true;
    results[b.n] := verdict;
  end loop;
  if true = any (placed) then
    insert into orders.orders (id, number, account_id, state, amount_minor, currency, phone, phone_index, phone_masked, locale,
                               channel, placed_at, expires_at, confirmed_at)
    select q.order_id, q.number, q.account_id, results[q.n] ->> 'state', (results[q.n] ->> 'amount_minor')::bigint,
           results[q.n] ->> 'currency', q.phone, q.phone_index, q.phone_masked, q.locale, q.channel, at,
           (results[q.n] ->> 'expires_at')::timestamptz, case when results[q.n] ->> 'state' = 'confirmed' then at end
      from unnest(asked) q where placed[q.n];

    insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor)
    select (asked[w.n]).order_id, w.seq, w.slot_id, w.price_id, w.quantity, case when c.uses_place then w.quantity else 0 end,
           c.amount_minor
      from unnest(wanted) w join catalogue.prices c on c.id = w.price_id where placed[w.n];

    insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type, document,
                                   document_index, document_last4, once)
    select (asked[t.n]).order_id, t.seq, t.line_seq, s.venue_id, s.visit_date, t.name, t.name_masked, t.document_type, t.document,
           t.document_index, t.document_last4, p.once_per_document_day
      from unnest(people) t join inventory.slots s on s.id = t.slot_id join catalogue.products p on p.id = s.product_id
     where placed[t.n];

    insert into orders.events (order_id, seq, kind, at, actor, details)
    select q.order_id, 1, 'placed', at, q.actor, jsonb_build_object('channel', q.channel) from unnest(asked) q where placed[q.n]
    union all
    select q.order_id, 2, 'confirmed', at, q.actor, '{"free": true}' from unnest(asked) q
     where placed[q.n] and results[q.n] ->> 'state' = 'confirmed';

    perform kit.emit_many('order.confirmed', subscribers, array_agg(jsonb_build_object('order_id', q.order_id)), at)
       from unnest(asked) q where placed[q.n] and results[q.n] ->> 'state' = 'confirmed' having count(*) > 0;

    -- The counters come last: whoever waits for a hot slot waits for the commit alone.
    perform inventory.take_many(array_agg(slots[s.ord]), array_agg(need[s.ord]))
       from generate_subscripts(slots, 1) s (ord) where need[s.ord] > 0 having count(*) > 0;
  end if;

  perform kit.remember_many(array_agg(q.account_id), array_agg(q.key), array_agg(q.body_hash), array_agg(results[q.n]), at)
     from unnest(asked) q where fresh[q.n] having count(*) > 0;

  return array_to_json(results);
end $$;
