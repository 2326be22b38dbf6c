-- Money: double entry with four counters per account, balanced, append-only and guarded by the database itself.
-- depends: 0009_admission
set lock_timeout = '5s';

create schema ledger;

create table ledger.chart (
  code    text primary key check (code ~ '^[0-9]{4}$'),
  name_en text not null,
  name_zh text not null,
  normal  text not null check (normal in ('D', 'C')),
  guarded boolean not null,
  constraint chart_manner unique (code, normal, guarded)
);
comment on table ledger.chart is 'The chart of accounts: the side on which an account normally stands (D debit, C credit), and whether it may never go to the other, counting what is pending.';

insert into ledger.chart (code, name_en, name_zh, normal, guarded) values
  ('1010', 'Provider clearing', '支付机构待清算款', 'D', false),
  ('1020', 'Bank', '银行存款', 'D', false),
  ('1030', 'Cash at the desk', '柜台现金', 'D', false),
  ('1040', 'Partner receivable', '应收合作方款', 'D', false),
  ('1090', 'Suspense', '待查账款', 'D', false),
  ('2010', 'Order money', '订单预收款', 'C', true),
  ('2020', 'Supplier payable', '应付供应商款', 'C', false),
  ('2030', 'Unapplied receipts', '未匹配收款', 'C', true),
  ('2040', 'Compensation payable', '应付补偿款', 'C', true),
  ('2050', 'Voucher liability', '代金券负债', 'C', true),
  ('4010', 'Commission', '佣金收入', 'C', false),
  ('4020', 'Change fees', '改签费收入', 'C', false),
  ('5010', 'Coupon subsidy', '优惠补贴', 'D', false),
  ('5020', 'Payment fees', '支付手续费', 'D', false),
  ('5030', 'Compensation expense', '补偿支出', 'D', false),
  ('5040', 'Campaign loss', '活动失误损失', 'D', false),
  ('5050', 'Reconciliation difference', '对账差异', 'D', false),
  ('9010', 'Budget available (memo)', '可用预算（备查）', 'C', true),
  ('9011', 'Budget used (memo)', '已用预算（备查）', 'D', false);

create table ledger.accounts (
  id              bigint generated always as identity primary key,
  code            text not null,
  owner           text not null,
  currency        text not null check (currency ~ '^[A-Z]{3}$'),
  normal          text not null,
  guarded         boolean not null,
  debits_posted   bigint not null default 0,
  credits_posted  bigint not null default 0,
  debits_pending  bigint not null default 0,
  credits_pending bigint not null default 0,
  available       bigint not null generated always as (
    case normal when 'D' then debits_posted - credits_posted - credits_pending
                else credits_posted - debits_posted - debits_pending end) stored,
  constraint account_unique unique (code, owner, currency),
  constraint account_in_chart foreign key (code, normal, guarded) references ledger.chart (code, normal, guarded),
  constraint counters_negative check (least(debits_posted, credits_posted, debits_pending, credits_pending) >= 0),
  constraint guard_broken check (not guarded or available >= 0)
) with (fillfactor = 50);
comment on column ledger.accounts.available is 'What stands on the normal side and is not promised elsewhere: pending money that would leave is gone already, pending money that would come is not there yet.';

create table ledger.journals (
  id           uuid primary key,
  number       bigint generated always as identity,
  kind         text not null,
  phase        text not null check (phase in ('single', 'pending', 'post', 'void')),
  pending_id   uuid references ledger.journals (id),
  reverses     uuid references ledger.journals (id),
  key          text not null,
  content      bytea not null,
  subject      text not null,
  details      jsonb not null,
  effective_at timestamptz not null,
  recorded_at  timestamptz not null,
  written_in   xid8 not null default pg_current_xact_id(),
  constraint journal_key unique (key),
  constraint journal_answers check ((phase in ('post', 'void')) = (pending_id is not null)),
  constraint reversal_is_single check (reverses is null or phase = 'single')
);
create unique index journal_resolved_once on ledger.journals (pending_id) where pending_id is not null;
create unique index journal_reversed_once on ledger.journals (reverses) where reverses is not null;
create index journals_subject on ledger.journals (subject, number);
create index journals_effective on ledger.journals using brin (effective_at);
comment on column ledger.journals.number is 'Order in which journals took effect: of two on one account, the later has the higher number.';
comment on column ledger.journals.content is 'Hash of act, kind, subject and legs: what a second writing under the same key must agree with.';
comment on column ledger.journals.written_in is 'The transaction that wrote it: nobody adds entries later.';

create table ledger.entries (
  journal_id   uuid not null references ledger.journals (id),
  seq          smallint not null,
  account_id   bigint not null references ledger.accounts (id),
  side         text not null check (side in ('D', 'C')),
  amount_minor bigint not null check (amount_minor > 0),
  primary key (journal_id, seq)
);
create index entries_account on ledger.entries (account_id, journal_id);

-- What is written stays written.

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger.% is append-only', tg_table_name using errcode = 'restrict_violation', constraint = 'append_only';
end $$;
create trigger journals_stay before update or delete on ledger.journals for each row execute function ledger.refuse_change();
create trigger entries_stay before update or delete on ledger.entries for each row execute function ledger.refuse_change();
create trigger accounts_stay before delete or update of id, code, owner, currency, normal, guarded on ledger.accounts
  for each row execute function ledger.refuse_change();
create trigger journals_not_emptied before truncate on ledger.journals for each statement execute function ledger.refuse_change();
create trigger entries_not_emptied before truncate on ledger.entries for each statement execute function ledger.refuse_change();
create trigger accounts_not_emptied before truncate on ledger.accounts for each statement execute function ledger.refuse_change();

create function ledger.require_fresh_journal() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if exists (select 1 from added e join ledger.journals j on j.id = e.journal_id where j.written_in <> pg_current_xact_id()) then
    raise exception 'entries belong to the transaction of their journal' using errcode = 'restrict_violation', constraint = 'append_only';
  end if;
  return null;
end $$;
create trigger entries_with_their_journal after insert on ledger.entries referencing new table as added
  for each statement execute function ledger.require_fresh_journal();

create function ledger.require_balance() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  bad record;
begin
  select a.currency, sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end) as off into bad
    from ledger.entries e join ledger.accounts a on a.id = e.account_id
   where e.journal_id = new.id group by a.currency
   order by sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end) = 0 limit 1;
  if not found or bad.off <> 0 then
    raise exception 'journal % is empty or off by % in %', new.id, bad.off, bad.currency
      using errcode = 'check_violation', constraint = 'journal_balanced';
  end if;
  return null;
end $$;
create constraint trigger journal_balanced after insert on ledger.journals deferrable initially deferred
  for each row execute function ledger.require_balance();

-- The only way to write.

create function ledger.open_accounts(codes text[], owners text[], currencies text[]) returns bigint[] language plpgsql as $$
-- The ids of accounts, by position; null for a code outside the chart. What is missing is made in the order of names
-- and before any lock is taken, so that nobody who waits here holds what another needs.
declare
  found_ids bigint[];
begin
  for look in 1 .. 2 loop
    select array_agg((select a.id from ledger.accounts a
                       where a.code = codes[n] and a.owner = owners[n] and a.currency = currencies[n]) order by n)
      into found_ids from generate_subscripts(codes, 1) n;
    exit when look = 2 or array_position(found_ids, null) is null;
    insert into ledger.accounts (code, owner, currency, normal, guarded)
    select c.code, m.owner, m.currency, c.normal, c.guarded
      from (select distinct codes[n] as code, owners[n] as owner, currencies[n] as currency
              from generate_subscripts(codes, 1) n where found_ids[n] is null) m
      join ledger.chart c on c.code = m.code
     order by m.code collate "C", m.owner collate "C", m.currency collate "C"
    on conflict do nothing;
  end loop;
  return found_ids;
end $$;

create function ledger.write(
  new_id uuid, act text, new_key text, answered uuid, new_kind text, about text, remarks jsonb, at timestamptz, noted_at timestamptz,
  codes text[], owners text[], currencies text[], sides text[], amounts bigint[],
  out journal uuid, out problem text, out fields jsonb
) language plpgsql security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
-- One journal in one round trip. `act` is record | pend (kind, about and legs given) or post | void | reverse (the
-- journal `answered` gives them). Answers the journal's id, of the earlier one if the key was used for the same content;
-- or a problem with its fields, and then nothing is written.
--
-- It may look twice: whom we waited for may have written under our key, or resolved what we answer. The second look
-- is under the locks and decides. Accounts are locked before entries refer to them, in id order, and the counters are
-- touched last. Every look-up is by key, so one generic plan serves small tables and large ones.
declare
  to_phase text := case act when 'record' then 'single' when 'pend' then 'pending' when 'reverse' then 'single' else act end;
  digest   bytea := sha256(convert_to(
    jsonb_build_array(act, answered, new_kind, about, codes, owners, currencies, sides, amounts)::text, 'UTF8'));
  origin   record;
  known    record;
  ids      bigint[];
begin
  for look in 1 .. 2 loop
    fields := null;
    select j.id, j.content into known from ledger.journals j where j.key = new_key;
    if found then
      if known.content = digest then
        journal := known.id;
      else
        problem := 'key-reused-otherwise';
        fields := jsonb_build_object('key', new_key);
      end if;
      return;
    end if;

    if answered is not null then
      select j.kind, j.subject, j.phase, r.id as later_id, r.phase as later_phase into origin
        from ledger.journals j
        left join lateral (
          select r.id, r.phase from ledger.journals r where act = 'reverse' and r.reverses = j.id
          union all
          select r.id, r.phase from ledger.journals r where act <> 'reverse' and r.pending_id = j.id) r on true
       where j.id = answered;
      problem := case
        when not found then 'journal-unknown'
        when act = 'reverse' and origin.phase not in ('single', 'post') then 'journal-not-posted'
        when act <> 'reverse' and origin.phase <> 'pending' then 'journal-not-pending'
        when origin.later_id is not null then case act when 'reverse' then 'already-reversed' else 'already-resolved' end
      end;
      if problem is not null then
        fields := jsonb_build_object('journal', answered, 'phase', origin.phase)
          || case when origin.later_id is null then '{}' else jsonb_build_object('by', origin.later_id, 'as', origin.later_phase) end;
        return;
      end if;
    end if;

    if look = 1 then
      if answered is null then
        ids := ledger.open_accounts(codes, owners, currencies);
        if array_position(ids, null) is not null then
          problem := 'account-unknown';
          fields := jsonb_build_object('code', codes[array_position(ids, null)]);
          return;
        end if;
      else
        new_kind := origin.kind;
        about := origin.subject;
        select array_agg(e.account_id order by e.seq), array_agg(e.amount_minor order by e.seq),
               array_agg(case when act <> 'reverse' then e.side when e.side = 'D' then 'C' else 'D' end order by e.seq)
          into ids, amounts, sides from ledger.entries e where e.journal_id = answered;
      end if;
      perform 1 from ledger.accounts a where a.id = any (ids) order by a.id for no key update;
    end if;

    if to_phase in ('single', 'pending') then
      select jsonb_build_object('code', a.code, 'owner', a.owner, 'currency', a.currency, 'available_minor', a.available,
                                'asked_minor', s.out - s.back) into fields
        from (select i.id, coalesce(sum(l.amount) filter (where l.side <> i.normal), 0)::bigint as out,
                     coalesce(sum(l.amount) filter (where l.side = i.normal and to_phase = 'single'), 0)::bigint as back
                from unnest(ids, sides, amounts) l (id, side, amount) join ledger.accounts i on i.id = l.id and i.guarded
               group by i.id) s
        join ledger.accounts a on a.id = s.id where a.available < s.out - s.back order by a.id limit 1;
      if found then
        continue when look = 1;
        problem := 'guard-broken';
        return;
      end if;
    end if;

    insert into ledger.journals (id, kind, phase, pending_id, reverses, key, content, subject, details, effective_at, recorded_at)
    values (new_id, new_kind, to_phase, case when act in ('post', 'void') then answered end,
            case when act = 'reverse' then answered end, new_key, digest, about, remarks, at, noted_at)
    on conflict do nothing;
    exit when found;
  end loop;

  insert into ledger.entries (journal_id, seq, account_id, side, amount_minor)
  select new_id, l.seq, l.id, l.side, l.amount from unnest(ids, sides, amounts) with ordinality l (id, side, amount, seq);

  update ledger.accounts a
     set debits_posted = a.debits_posted + case when to_phase in ('single', 'post') then s.debits else 0 end,
         credits_posted = a.credits_posted + case when to_phase in ('single', 'post') then s.credits else 0 end,
         debits_pending = a.debits_pending + case to_phase when 'pending' then s.debits when 'single' then 0 else -s.debits end,
         credits_pending = a.credits_pending + case to_phase when 'pending' then s.credits when 'single' then 0 else -s.credits end
    from (select l.id, coalesce(sum(l.amount) filter (where l.side = 'D'), 0)::bigint as debits,
                 coalesce(sum(l.amount) filter (where l.side = 'C'), 0)::bigint as credits
            from unnest(ids, sides, amounts) l (id, side, amount) group by l.id) s
   where a.id = s.id;
  journal := new_id;
end $$;
comment on function ledger.write is 'The only way to write. A role of an application needs USAGE on the schema, SELECT on its tables and this function, no more.';
