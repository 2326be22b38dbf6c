-- Review of campaigns: drafts, backtests, envelopes; changes that need more than one other person; since when somebody has a role.
-- depends: 0031_positions
set lock_timeout = '5s';

-- A proposal may need several people, some of them in a capacity (finance). Each agreement is a review; the last one approves.
alter table changes.proposals
  add column people_needed int not null default 1 check (people_needed > 0),
  add column capacities_needed text[] not null default '{}';
comment on column changes.proposals.people_needed is 'So many people besides whoever proposed it must agree to exactly this content and preview.';
comment on column changes.proposals.capacities_needed is 'For each of these, one of those people must have agreed in that capacity.';
alter table changes.reviews
  add column capacities text[] not null default '{}',
  drop constraint reviews_verdict_check,
  add constraint reviews_verdict_check check (verdict in (
    'agreed', 'approved', 'rejected', 'withdrawn', 'applied', 'reverted', 'expired', 'renewed'));

create function changes.is_agreed(proposal changes.proposals) returns boolean language sql stable as $$
  select count(distinct r.by) >= proposal.people_needed and bool_or(r.verdict = 'approved')
     and proposal.capacities_needed <@ coalesce((
       select array_agg(distinct c) from changes.reviews o, unnest(o.capacities) c
        where o.proposal_id = proposal.id and o.verdict in ('agreed', 'approved') and o.by <> proposal.proposed_by
          and o.content_hash = proposal.content_hash and o.preview_hash = proposal.preview_hash), '{}')
    from changes.reviews r
   where r.proposal_id = proposal.id and r.verdict in ('agreed', 'approved') and r.by <> proposal.proposed_by
     and r.content_hash = proposal.content_hash and r.preview_hash = proposal.preview_hash
$$;
comment on function changes.is_agreed is 'Whether as many people as needed, in the capacities needed, agreed to exactly this.';

create or replace function changes.hold_proposal() returns trigger language plpgsql as $$
begin
  if (old.id, old.kind, old.payload, old.content_hash, old.reason, old.proposed_by, old.proposed_at)
     is distinct from (new.id, new.kind, new.payload, new.content_hash, new.reason, new.proposed_by, new.proposed_at) then
    raise exception 'the content of a proposal never changes' using errcode = 'restrict_violation';
  end if;
  if (old.people_needed, old.capacities_needed) is distinct from (new.people_needed, new.capacities_needed)
     and (new.preview_hash = old.preview_hash or new.state <> 'proposed') then
    raise exception 'who must agree changes only with what is shown' using errcode = 'restrict_violation';
  end if;
  if new.state in ('approved', 'applied') and not changes.is_agreed(new) then
    raise exception 'a second person must have approved exactly this' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

-- Since when somebody has a role: whoever got one a moment ago approves nothing with it.
alter table accounts.staff
  add column roles_at timestamptz,
  add column roles_since jsonb not null default '{}';
comment on column accounts.staff.roles_at is 'The moment of the latest change of roles, by the clock of the program.';
comment on column accounts.staff.roles_since is 'Role → since when it is held without a break. Written by a trigger, whoever changes the roles.';
update accounts.staff s
   set roles_since = (select jsonb_object_agg(role, greatest(s.created_at, (
         select max(a.at) from kit.audit a where a.action = 'staff.roles' and a.subject = 'staff:' || s.login)))
         from unnest(s.roles) role);

create function accounts.note_roles() returns trigger language plpgsql as $$
declare
  before text[] := case when tg_op = 'UPDATE' then old.roles else '{}' end;
  known  jsonb := case when tg_op = 'UPDATE' then old.roles_since else '{}' end;
  moment timestamptz := case when tg_op = 'INSERT' then coalesce(new.roles_at, new.created_at)
                             when new.roles_at is distinct from old.roles_at then new.roles_at else clock_timestamp() end;
begin
  new.roles_since := (
    select coalesce(jsonb_object_agg(role, case when role = any (before) and known ? role then known -> role else to_jsonb(moment) end), '{}')
      from unnest(new.roles) role);
  return new;
end $$;
create trigger roles_noted before insert or update of roles on accounts.staff for each row execute function accounts.note_roles();

-- Drafts are kept as they were typed until they are proposed; only then is there a version.
create table campaigns.drafts (
  id          uuid primary key,
  campaign_id text not null references campaigns.campaigns (id),
  typed       jsonb not null,
  content     jsonb,
  content_hash bytea,
  revision    int not null default 1,
  made_by     text not null,
  made_at     timestamptz not null,
  changed_by  text not null,
  changed_at  timestamptz not null,
  editors     text[] not null,
  proposal_id uuid,
  dropped_at  timestamptz,
  check ((content is null) = (content_hash is null)),
  check (proposal_id is null or content is not null)
);
create index drafts_campaign on campaigns.drafts (campaign_id, changed_at desc);
comment on column campaigns.drafts.editors is 'Everybody who ever saved it: none of them approves what became of it.';
comment on column campaigns.drafts.typed is 'The form as it was typed, right or wrong; content is null while something is wrong.';

create function campaigns.hold_draft() returns trigger language plpgsql as $$
begin
  if old.proposal_id is not null and (old.typed, old.content, old.content_hash, old.proposal_id)
     is distinct from (new.typed, new.content, new.content_hash, new.proposal_id) then
    raise exception 'a draft that was proposed stays as it is: take it up again as a new one' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger draft_held before update on campaigns.drafts for each row execute function campaigns.hold_draft();

-- Backtests: what exactly this content would have done to recorded orders.
create table campaigns.simulations (
  id           uuid primary key,
  content_hash bytea not null,
  dataset_hash bytea not null,
  engine       text not null,
  scope        jsonb not null,
  from_at      timestamptz not null,
  until_at     timestamptz not null,
  orders       bigint not null,
  result       jsonb not null,
  result_hash  bytea not null,
  made_by      text not null,
  made_at      timestamptz not null
);
create index simulations_content on campaigns.simulations (content_hash, made_at desc);
create index simulations_result on campaigns.simulations (result_hash);
create trigger simulations_stay before update or delete or truncate on campaigns.simulations
  for each statement execute function campaigns.refuse_rewriting();
comment on table campaigns.simulations is 'The pricing code over recorded orders, for one content word for word: what an approval rests on, and where the forecast comes from.';
