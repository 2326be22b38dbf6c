-- Partners: those who supply what we sell, and those who sell what we have. Each program of theirs has a token.
-- depends: 0020_supply
set lock_timeout = '5s';

create schema partners;

create table partners.partners (
  id          text primary key check (id ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name        jsonb not null,
  email       text not null default '',
  phone       text not null default '',
  account_id  uuid references accounts.accounts (id),
  created_at  timestamptz not null,
  disabled_at timestamptz,
  disabled_reason text not null default ''
);
comment on column partners.partners.account_id is 'The account that the orders of a reseller are written to.';

create table partners.tokens (
  id         uuid primary key,
  partner_id text not null references partners.partners (id),
  token_hash bytea not null unique,
  name       text not null,
  created_at timestamptz not null,
  used_at    timestamptz,
  ended_at   timestamptz
);
create index tokens_partner on partners.tokens (partner_id, created_at desc);
