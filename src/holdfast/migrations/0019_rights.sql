-- Rights of people over their data: copies, erasure, consents; and columns that are empty once their time is over.
-- depends: 0018_support
set lock_timeout = '5s';

alter table accounts.accounts add column erased_at timestamptz;
comment on column accounts.accounts.erased_at is 'Its owner had it erased. The row stays, so that links and orders stay consistent.';

create table accounts.exports (
  id         uuid primary key,
  account_id uuid not null references accounts.accounts (id),
  accounts   uuid[] not null,
  state      text not null default 'asked' check (state in ('asked', 'ready', 'ended')),
  asked_at   timestamptz not null,
  built_at   timestamptz,
  expires_at timestamptz,
  content    bytea,
  size_bytes int,
  fetched    int not null default 0,
  constraint export_content check ((state = 'ready') = (content is not null))
);
create index exports_account on accounts.exports (account_id, asked_at desc);
create unique index export_asked on accounts.exports (account_id) where state = 'asked';
comment on column accounts.exports.accounts is 'Whose data are in it. Who is no longer all of them gets another one.';
comment on column accounts.exports.content is 'The zip file, sealed.';

create table accounts.erasures (
  id           uuid primary key,
  account_id   uuid not null references accounts.accounts (id),
  accounts     uuid[] not null,
  scope        text not null check (scope in ('account', 'person')),
  state        text not null default 'waiting' check (state in ('waiting', 'withdrawn', 'erasing', 'done')),
  asked_at     timestamptz not null,
  due_at       timestamptz not null,
  next_at      timestamptz,
  postponed    int not null default 0,
  withdrawn_at timestamptz,
  closed_at    timestamptz,
  finished_at  timestamptz,
  contacts     bytea[] not null default '{}',
  done         text[] not null default '{}',
  counts       jsonb not null default '{}',
  constraint erasure_goes_on check ((state in ('waiting', 'erasing')) = (next_at is not null)),
  constraint erasure_withdrawn check ((state = 'withdrawn') = (withdrawn_at is not null)),
  constraint erasure_done check ((state = 'done') = (finished_at is not null))
);
create index erasures_due on accounts.erasures (next_at) where next_at is not null;
create index erasures_accounts on accounts.erasures using gin (accounts);
comment on column accounts.erasures.contacts is 'Blind indexes of what identified the accounts, while messages to them are being redacted; then empty.';
comment on column accounts.erasures.done is 'The parts that are erased: the job goes on with the others.';
comment on column accounts.erasures.postponed is 'How often something stood in the way when its time had come.';

create table accounts.consents (
  id           uuid primary key,
  account_id   uuid not null references accounts.accounts (id),
  purpose      text not null,
  version      text not null,
  text_digest  bytea not null,
  place        text not null,
  given_at     timestamptz not null,
  withdrawn_at timestamptz
);
create index consents_account on accounts.consents (account_id, given_at desc);
create unique index consent_standing on accounts.consents (account_id, purpose, version) where withdrawn_at is null;
comment on column accounts.consents.text_digest is 'SHA-256 of the text in both languages, as it was agreed to.';

create function accounts.hold_consent() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a consent is withdrawn, it is never deleted' using errcode = 'restrict_violation';
  elsif old.withdrawn_at is not null
     or (old.id, old.account_id, old.purpose, old.version, old.text_digest, old.place, old.given_at)
        is distinct from (new.id, new.account_id, new.purpose, new.version, new.text_digest, new.place, new.given_at) then
    raise exception 'a consent can only be withdrawn, and once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger consent_held before update or delete on accounts.consents for each row execute function accounts.hold_consent();

-- What identifies people in orders is empty after its time, or when its owner had it erased.
alter table orders.orders alter column phone drop not null;
alter table orders.orders add column erased_at timestamptz;
alter table orders.travellers alter column name drop not null;
alter table orders.travellers alter column document drop not null;
comment on column orders.orders.erased_at is 'Who ordered it had themselves erased: what identified people is gone, the transaction stays (E-commerce Law art. 31).';
comment on column orders.travellers.document is 'Sealed; null once it was kept long enough after the visit.';
create index travellers_documents on orders.travellers (visit_date) where document is not null;

-- What retention looks for.
create index replies_created on kit.replies using brin (created_at);
create index audit_sources on kit.audit (at) where details ? 'source';
create index attempts_payers on payments.attempts (created_at) where route ? 'payer_ip';
