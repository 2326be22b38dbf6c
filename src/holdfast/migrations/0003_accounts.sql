-- People: accounts, what identifies them, proofs and sessions. Nothing here is ever moved to another account.
-- depends: 0002_notices
set lock_timeout = '5s';

create schema accounts;

create table accounts.accounts (
  id         uuid primary key,
  root       uuid not null,
  locale     text not null default 'zh',
  created_at timestamptz not null
);
create index accounts_root on accounts.accounts (root);
comment on column accounts.accounts.root is 'The person: derived from links between accounts; alone, an account is its own root.';

create table accounts.identifiers (
  id          uuid primary key,
  account_id  uuid not null references accounts.accounts (id),
  kind        text not null check (kind in ('phone', 'email')),
  value       bytea not null,
  value_index bytea not null,
  masked      text not null,
  verified_at timestamptz not null,
  constraint identifier_unique unique (kind, value_index)
);
create index identifiers_account on accounts.identifiers (account_id);

create table accounts.codes (
  id          uuid primary key,
  phone       bytea not null,
  phone_index bytea not null,
  source      text not null,
  code_hash   bytea not null,
  tries_left  int not null,
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  used_at     timestamptz,
  used_for    bytea
);
comment on column accounts.codes.used_for is 'Digest of the request that used the code: the same request, sent again, may use it again.';
create index codes_phone on accounts.codes (phone_index, created_at desc);
create index codes_source on accounts.codes (source, created_at desc);

create table accounts.sessions (
  token_hash bytea primary key,
  account_id uuid not null references accounts.accounts (id),
  kept       boolean not null,
  device     text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at   timestamptz
);
create index sessions_account on accounts.sessions (account_id, created_at desc);

create function accounts.members(account uuid) returns setof uuid language sql stable as $$
  select m.id from accounts.accounts a join accounts.accounts m on m.root = a.root where a.id = account;
$$;
comment on function accounts.members is 'All accounts of the same person; every list, search and authorisation goes through it.';
