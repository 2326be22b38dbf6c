-- Group commit: concurrent bookings are decided in arrival order and written set-based, in one transaction.
-- depends: 0007_orders
set lock_timeout = '5s';

create function orders.place_many(
  requests json, request_lines json, request_travellers json, at timestamptz, hold interval, subscribers text[]
) returns json language plpgsql as $$
#variable_conflict use_column
-- Answers one result per request, in order of n: {"order_id", "number", "state", "amount_minor", "currency",
-- "expires_at"} or {"problem", "fields"}. Equal keys of one account get equal answers.
declare
  asked   orders.placing[];
  wanted  orders.placing_line[];
  people  orders.placing_traveller[];
  slots   uuid[];          -- distinct slots, in id order; their position is the slot's ordinal below
  free    int[];           -- places left by slot ordinal, as decisions consume them
  need    int[];           -- places taken by this batch, by slot ordinal
  claims  boolean[];       -- documents already booked at that venue that day, by claim ordinal
  quotas  int[];           -- tickets left for an account that day, by quota ordinal
  results jsonb[] := '{}';
  placed  int[] := '{}';   -- n of the accepted
  fresh   int[] := '{}';   -- n whose result is to be remembered
  b       record;
  verdict jsonb;
  k       int;
begin
  select array_agg(r order by r.n) into asked from json_populate_recordset(null::orders.placing, requests) r;
  select coalesce(array_agg(l order by l.n, l.seq), '{}') into wanted from json_populate_recordset(null::orders.placing_line, request_lines) l;
  select coalesce(array_agg(t order by t.n, t.seq), '{}') into people from json_populate_recordset(null::orders.placing_traveller, request_travellers) t;

  -- Locks, always in this order: accounts whose daily quota counts, then slots; each in id order.
  perform 1 from accounts.accounts a
   where a.id in (select distinct m.root from unnest(wanted) w
                    join inventory.slots s on s.id = w.slot_id
                    join catalogue.products p on p.id = s.product_id and p.per_account_day is not null
                    join unnest(asked) q on q.n = w.n
                    join accounts.accounts m on m.id = q.account_id)
   order by a.id for no key update;
  select coalesce(array_agg(id order by id), '{}') into slots from (select distinct w.slot_id as id from unnest(wanted) w) d;
  perform inventory.lock_many(slots);
  select array_agg(coalesce(s.capacity - s.taken, 0) order by d.ord), array_agg(0) into free, need
    from unnest(slots) with ordinality d (id, ord) left join inventory.slots s on s.id = d.id;

  for b in
    with line as (
      select w.n, w.seq, w.quantity, w.price_id, w.slot_id, s.venue_id, s.visit_date, s.product_id,
             array_position(slots, w.slot_id) as slot, p.per_account_day, p.max_per_order,
             case when c.uses_place then w.quantity else 0 end as places,
             c.amount_minor * w.quantity as amount, c.currency,
             case
               when s.id is null then jsonb_build_object('problem', 'slot-unknown', 'fields', jsonb_build_object('slot_id', w.slot_id))
               when s.state <> 'open' then jsonb_build_object('problem', 'slot-closed', 'fields', jsonb_build_object('slot_id', s.id, 'reason', s.reason))
               when at < s.sale_opens_at then jsonb_build_object('problem', 'not-yet-on-sale', 'fields', jsonb_build_object('slot_id', s.id, 'sale_opens_at', s.sale_opens_at))
               when at >= s.sale_closes_at then jsonb_build_object('problem', 'sale-over', 'fields', jsonb_build_object('slot_id', s.id))
               when c.id is null then jsonb_build_object('problem', 'price-unknown', 'fields', jsonb_build_object('price_id', w.price_id))
               when w.quoted_minor <> c.amount_minor then jsonb_build_object('problem', 'price-changed', 'fields',
                    jsonb_build_object('price_id', c.id, 'quoted_minor', w.quoted_minor, 'amount_minor', c.amount_minor))
               when p.real_name and w.quantity <> (select count(*) from unnest(people) t where t.n = w.n and t.line_seq = w.seq)
                    then jsonb_build_object('problem', 'travellers-incomplete', 'fields', jsonb_build_object('line', w.seq, 'needed', w.quantity))
               when exists (select 1 from unnest(people) t where t.n = w.n and t.line_seq = w.seq and t.document_type <> all (p.documents))
                    then jsonb_build_object('problem', 'document-not-accepted', 'fields', jsonb_build_object('line', w.seq, 'accepted', p.documents))
             end as problem
        from unnest(wanted) w
        left join inventory.slots s on s.id = w.slot_id
        left join catalogue.products p on p.id = s.product_id
        left join catalogue.prices c on c.id = w.price_id and c.product_id = s.product_id and c.retired_at is null
              and catalogue.in_season(s.visit_date, c.from_day, c.to_day)
    ), claim as (  -- documents that may be used once a day, numbered; the same person twice has the same number
      select t.n, t.seq, t.document_index, l.visit_date, l.venue_id,
             dense_rank() over (order by l.visit_date, l.venue_id, t.document_index)::int as claim
        from unnest(people) t join line l on l.n = t.n and l.seq = t.line_seq
        join catalogue.products p on p.id = l.product_id and p.once_per_document_day
    ), claimed as (
      select array_agg(x.taken order by x.claim) as claims from (
        select c.claim, exists (select 1 from orders.travellers o where o.live and o.once and o.visit_date = c.visit_date
                                 and o.venue_id = c.venue_id and o.document_index = c.document_index) as taken
          from (select distinct on (claim) * from claim) c) x
    ), quota as (  -- accounts with a daily limit at a venue, numbered
      select l.n, l.quantity, m.root, l.venue_id, l.visit_date, l.per_account_day,
             dense_rank() over (order by m.root, l.venue_id, l.visit_date)::int as quota
        from line l join unnest(asked) q on q.n = l.n join accounts.accounts m on m.id = q.account_id
       where l.per_account_day is not null
    ), quoted as (
      select array_agg(x.left_over order by x.quota) as quotas from (
        select distinct on (d.quota) d.quota, d.per_account_day - coalesce((
          select sum(ol.quantity) from orders.orders o join orders.lines ol on ol.order_id = o.id and ol.live
            join inventory.slots s on s.id = ol.slot_id and s.venue_id = d.venue_id and s.visit_date = d.visit_date
           where o.account_id in (select id from accounts.accounts where root = d.root)), 0)::int as left_over
          from quota d order by d.quota, d.per_account_day) x
    ), per_booking as (
      select n, (array_agg(problem order by seq) filter (where problem is not null))[1] as problem,
             sum(amount) as amount, min(currency) as currency, count(distinct currency) as currencies
        from line group by n
    ), crowded as (
      select n, max(asked_for) as asked_for, min(allowed) as allowed from (
        select n, product_id, sum(quantity) as asked_for, min(max_per_order) as allowed from line group by n, product_id) x
       where asked_for > allowed group by n
    ), per_slot as (
      select n, array_agg(slot order by slot) as slots, array_agg(places order by slot) as places
        from (select n, slot, sum(places)::int as places from line group by n, slot) x group by n
    ), per_claim as (
      select n, array_agg(claim order by seq) as claims, array_agg(seq order by seq) as seqs, count(distinct claim) as distinct_claims
        from claim group by n
    ), per_quota as (
      select n, array_agg(quota) as quotas, array_agg(quantity) as quantities
        from (select n, quota, sum(quantity)::int as quantity from quota group by n, quota) x group by n
    )
    select q.n, q.order_id, q.number, r.result as known, r.body_hash is distinct from q.body_hash as differs,
           min(q.n) over same as first_n, first_value(q.body_hash) over same is distinct from q.body_hash as differs_from_first,
           pb.problem, pb.amount, pb.currency, pb.currencies, cr.asked_for, cr.allowed,
           ps.slots, ps.places, pc.claims, pc.seqs, pc.distinct_claims, pq.quotas, pq.quantities,
           (select claimed.claims from claimed) as all_claims, (select quoted.quotas from quoted) as all_quotas
      from unnest(asked) q
      left join kit.replies r on r.scope = q.account_id and r.key = q.key
      left join per_booking pb on pb.n = q.n left join crowded cr on cr.n = q.n left join per_slot ps on ps.n = q.n
      left join per_claim pc on pc.n = q.n left join per_quota pq on pq.n = q.n
    window same as (partition by q.account_id, q.key order by q.n)
     order by q.n
  loop
    if claims is null then claims := coalesce(b.all_claims, '{}'); quotas := coalesce(b.all_quotas, '{}'); end if;
    verdict := null;
    if b.known is not null then
      results[b.n] := case when b.differs then '{"problem": "key-reused", "fields": {}}'::jsonb else b.known end;
      continue;
    elsif b.first_n < b.n then
      results[b.n] := case when b.differs_from_first then '{"problem": "key-reused", "fields": {}}'::jsonb else results[b.first_n] end;
      continue;
    elsif b.problem is not null then
      verdict := b.problem;
    elsif b.slots is null then
      verdict := '{"problem": "nothing-chosen", "fields": {}}';
    elsif b.asked_for is not null then
      verdict := jsonb_build_object('problem', 'too-many-per-order', 'fields', jsonb_build_object('asked', b.asked_for, 'allowed', b.allowed));
    elsif b.currencies > 1 then
      verdict := '{"problem": "mixed-currencies", "fields": {}}';
    elsif b.distinct_claims < cardinality(b.claims) then
      verdict := '{"problem": "document-twice", "fields": {}}';
    else
      if b.claims is not null then
        for k in 1 .. cardinality(b.claims) loop
          if claims[b.claims[k]] then
            verdict := jsonb_build_object('problem', 'document-already-booked', 'fields', jsonb_build_object('traveller', b.seqs[k]));
            exit;
          end if;
        end loop;
      end if;
      if verdict is null and b.quotas is not null then
        for k in 1 .. cardinality(b.quotas) loop
          if quotas[b.quotas[k]] < b.quantities[k] then
            verdict := jsonb_build_object('problem', 'too-many-that-day', 'fields', jsonb_build_object('left', greatest(quotas[b.quotas[k]], 0)));
            exit;
          end if;
        end loop;
      end if;
      if verdict is null then
        for k in 1 .. cardinality(b.slots) loop
          if free[b.slots[k]] < b.places[k] then
            verdict := jsonb_build_object('problem', 'slot-full', 'fields', jsonb_build_object(
              'slot_id', slots[b.slots[k]], 'asked', b.places[k], 'places_left', greatest(free[b.slots[k]], 0)));
            exit;
          end if;
        end loop;
      end if;
    end if;

    if verdict is null then
      for k in 1 .. cardinality(b.slots) loop
        free[b.slots[k]] := free[b.slots[k]] - b.places[k];
        need[b.slots[k]] := need[b.slots[k]] + b.places[k];
      end loop;
      if b.claims is not null then
        for k in 1 .. cardinality(b.claims) loop claims[b.claims[k]] := true; end loop;
      end if;
      if b.quotas is not null then
        for k in 1 .. cardinality(b.quotas) loop quotas[b.quotas[k]] := quotas[b.quotas[k]] - b.quantities[k]; end loop;
      end if;
      placed := placed || b.n;
      verdict := jsonb_build_object('order_id', b.order_id, 'number', b.number, 'amount_minor', b.amount, 'currency', b.currency,
        'state', case when b.amount = 0 then 'confirmed' else 'held' end,
        'expires_at', case when b.amount > 0 then at + hold end);
    end if;
    results[b.n] := verdict;
    fresh := fresh || b.n;
  end loop;

  if cardinality(placed) > 0 then
    insert into orders.orders (id, number, account_id, state, amount_minor, currency, phone, phone_index, phone_masked, locale,
                               channel, placed_at, expires_at, confirmed_at)
    select q.order_id, q.number, q.account_id, results[q.n] ->> 'state', (results[q.n] ->> 'amount_minor')::bigint,
           results[q.n] ->> 'currency', q.phone, q.phone_index, q.phone_masked, q.locale, q.channel, at,
           (results[q.n] ->> 'expires_at')::timestamptz, case when results[q.n] ->> 'state' = 'confirmed' then at end
      from unnest(placed) p (n) join unnest(asked) q on q.n = p.n;

    insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor)
    select q.order_id, w.seq, w.slot_id, w.price_id, w.quantity, case when c.uses_place then w.quantity else 0 end, c.amount_minor
      from unnest(placed) p (n) join unnest(asked) q on q.n = p.n join unnest(wanted) w on w.n = p.n
      join catalogue.prices c on c.id = w.price_id;

    insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type, document,
                                   document_index, document_last4, once)
    select q.order_id, t.seq, t.line_seq, s.venue_id, s.visit_date, t.name, t.name_masked, t.document_type, t.document,
           t.document_index, t.document_last4, pr.once_per_document_day
      from unnest(placed) p (n) join unnest(asked) q on q.n = p.n join unnest(people) t on t.n = p.n
      join unnest(wanted) w on w.n = t.n and w.seq = t.line_seq
      join inventory.slots s on s.id = w.slot_id join catalogue.products pr on pr.id = s.product_id;

    insert into orders.events (order_id, seq, kind, at, actor, details)
    select q.order_id, e.seq, e.kind, at, q.actor, e.details
      from unnest(placed) p (n) join unnest(asked) q on q.n = p.n
      cross join lateral (
        select 1 as seq, 'placed' as kind, jsonb_build_object('channel', q.channel) as details
        union all select 2, 'confirmed', '{"free": true}'::jsonb where results[q.n] ->> 'state' = 'confirmed') e;

    perform kit.emit_many('order.confirmed', subscribers, array_agg(jsonb_build_object('order_id', q.order_id)), at)
       from unnest(placed) p (n) join unnest(asked) q on q.n = p.n where results[q.n] ->> 'state' = 'confirmed'
     having count(*) > 0;

    -- The counters come last: whoever waits for a hot slot waits for the commit alone.
    perform inventory.take_many(array_agg(slots[s.ord]), array_agg(need[s.ord]))
       from generate_subscripts(slots, 1) s (ord) where need[s.ord] > 0 having count(*) > 0;
  end if;

  perform kit.remember_many(array_agg(q.account_id), array_agg(q.key), array_agg(q.body_hash), array_agg(results[q.n]), at)
     from unnest(fresh) f (n) join unnest(asked) q on q.n = f.n having count(*) > 0;

  return (select json_agg(results[q.n] order by q.n) from unnest(asked) q);
end $$;
