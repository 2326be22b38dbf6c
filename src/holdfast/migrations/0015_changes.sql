-- One gate for every dangerous change, and the graph of accounts that are one person, which is the first thing behind it.
-- depends: 0014_reconciliation
set lock_timeout = '5s';

create schema changes;

create table changes.proposals (
  id           uuid primary key,
  kind         text not null,
  payload      jsonb not null,
  content_hash bytea not null,
  base_version text,
  preview      jsonb not null,
  preview_hash bytea not null,
  previewed_at timestamptz not null,
  reason       text not null,
  proposed_by  text not null,
  proposed_at  timestamptz not null,
  expires_at   timestamptz not null,
  state        text not null default 'proposed'
               check (state in ('proposed', 'approved', 'rejected', 'applied', 'reverted', 'expired', 'withdrawn')),
  state_since  timestamptz not null,
  effects      jsonb,
  constraint applied_has_effects check ((state in ('applied', 'reverted')) = (effects is not null))
);
create index proposals_open on changes.proposals (expires_at) where state in ('proposed', 'approved');
create index proposals_kind on changes.proposals (kind, id desc);
comment on column changes.proposals.preview is 'What applying it did when it was last tried and rolled back; an approval is bound to its hash.';
comment on column changes.proposals.effects is 'What applying it answered: what reverting it needs.';

create table changes.reviews (
  id           bigint generated always as identity primary key,
  proposal_id  uuid not null references changes.proposals (id),
  by           text not null,
  verdict      text not null check (verdict in ('approved', 'rejected', 'withdrawn', 'applied', 'reverted', 'expired', 'renewed')),
  content_hash bytea not null,
  preview_hash bytea not null,
  note         text not null default '',
  at           timestamptz not null
);
create index reviews_proposal on changes.reviews (proposal_id, id);

create function changes.refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'what was written about a change stays as it is' using errcode = 'restrict_violation';
end $$;
create trigger reviews_stay before update or delete or truncate on changes.reviews
  for each statement execute function changes.refuse_rewriting();
create trigger proposals_stay before delete or truncate on changes.proposals
  for each statement execute function changes.refuse_rewriting();

create function changes.hold_proposal() returns trigger language plpgsql as $$
begin
  if (old.id, old.kind, old.payload, old.content_hash, old.reason, old.proposed_by, old.proposed_at)
     is distinct from (new.id, new.kind, new.payload, new.content_hash, new.reason, new.proposed_by, new.proposed_at) then
    raise exception 'the content of a proposal never changes' using errcode = 'restrict_violation';
  end if;
  if new.state in ('approved', 'applied') and not exists (
    select 1 from changes.reviews r where r.proposal_id = new.id and r.verdict = 'approved' and r.by <> new.proposed_by
       and r.content_hash = new.content_hash and r.preview_hash = new.preview_hash) then
    raise exception 'a second person must have approved exactly this' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger proposal_held before update on changes.proposals for each row execute function changes.hold_proposal();

-- The graph: pairs that somebody asserted to be one person. Roots are derived from it and can be derived again at any time.
create table accounts.links (
  id          uuid primary key,
  a           uuid not null references accounts.accounts (id),
  b           uuid not null references accounts.accounts (id),
  evidence    jsonb not null,
  made_by     text not null,
  made_at     timestamptz not null,
  approved_by text,
  ended_at    timestamptz,
  ended_by    text,
  end_reason  text,
  constraint link_of_two check (a <> b),
  constraint link_ended check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason is null))
);
create unique index link_once on accounts.links (least(a, b), greatest(a, b)) where ended_at is null;
create index links_a on accounts.links (a);
create index links_b on accounts.links (b);
comment on table accounts.links is 'Two accounts are one person: who says so, why, and until when. Nothing else is written by a merge, and nothing is moved.';

create function accounts.hold_link() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a link ends, it is never deleted' using errcode = 'restrict_violation';
  elsif old.ended_at is not null or (old.id, old.a, old.b, old.evidence, old.made_by, old.made_at, old.approved_by)
     is distinct from (new.id, new.a, new.b, new.evidence, new.made_by, new.made_at, new.approved_by) then
    raise exception 'a link can only end, and once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger link_held before update or delete on accounts.links for each row execute function accounts.hold_link();
create trigger links_stay before truncate on accounts.links for each statement execute function changes.refuse_rewriting();

create function accounts.connected(account uuid, without uuid default null) returns setof uuid language sql stable as $$
  with recursive reach (id) as (
    select account
    union
    select l.other from reach r cross join lateral (
      select f.b as other from accounts.links f where f.a = r.id and f.ended_at is null and f.id is distinct from without
      union all
      select t.a from accounts.links t where t.b = r.id and t.ended_at is null and t.id is distinct from without) l
  )
  select id from reach;
$$;
comment on function accounts.connected is 'The accounts that links join to this one, read from the graph itself; as if one link did not exist, if asked.';

-- Proof that somebody has control of an account, given to somebody else: for minutes, and for them alone.
create table accounts.proofs (
  id         uuid primary key,
  account_id uuid not null references accounts.accounts (id),
  asker      uuid not null references accounts.accounts (id),
  means      text not null check (means in ('code', 'passkey')),
  at         timestamptz not null,
  expires_at timestamptz not null
);
create index proofs_asker on accounts.proofs (asker, expires_at);

create table accounts.proof_codes (
  id          uuid primary key,
  phone_index bytea not null,
  asker       uuid not null references accounts.accounts (id),
  code_hash   bytea not null,
  tries_left  int not null,
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  used_at     timestamptz
);
create index proof_codes_phone on accounts.proof_codes (asker, phone_index, created_at desc);

create function accounts.lock_persons(asked uuid[]) returns boolean language plpgsql as $$
declare
  locked uuid[] := '{}';
  roots  uuid[];
begin
  if cardinality(asked) = 0 then
    return false;
  end if;
  loop
    select array_agg(distinct a.root) into roots from accounts.accounts a where a.id = any (asked) and a.root <> all (locked);
    exit when roots is null;
    perform 1 from accounts.accounts a where a.id = any (roots) order by a.id for no key update;
    locked := locked || roots;
  end loop;
  return true;
end $$;
comment on function accounts.lock_persons is 'Locks the roots of these accounts as they are once the locks are held: a merge that commits while we wait gives a person another root. Merges lock every account of both sides.';

-- Limits per person were counted under a lock on the root that was read before waiting for it.
do $do$
declare
  held text := $$
  perform 1 from accounts.accounts a
   where a.id in (select m.root from unnest(wanted) w
                    join inventory.slots s on s.id = w.slot_id
                    join catalogue.products p on p.id = s.product_id and p.per_account_day is not null
                    join accounts.accounts m on m.id = (asked[w.n]).account_id)
   order by a.id for no key update;
  with_quota := found;
$$;
  holds text := $$
  with_quota := accounts.lock_persons(array(
    select distinct (asked[w.n]).account_id from unnest(wanted) w
      join inventory.slots s on s.id = w.slot_id
      join catalogue.products p on p.id = s.product_id and p.per_account_day is not null));
$$;
  whole text := pg_get_functiondef('orders.place_many(json, json, json, timestamptz, interval, text[])'::regprocedure);
begin
  if strpos(whole, held) = 0 then
    raise exception 'orders.place_many is not what this migration knows';
  end if;
  execute replace(whole, held, holds);
end $do$;
