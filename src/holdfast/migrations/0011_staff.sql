-- Staff: the people at the desk, how they prove who they are, their sessions, and tokens of the programs they answer for.
-- depends: 0010_ledger
set lock_timeout = '5s';

create table accounts.staff (
  id              uuid primary key,
  login           text not null check (login = lower(login)),
  name            text not null,
  roles           text[] not null,
  password_hash   text,
  totp_secret     bytea,
  totp_step       bigint not null default 0,
  active          boolean not null default true,
  inactive_reason text,
  created_at      timestamptz not null,
  signed_in_at    timestamptz,
  constraint login_taken unique (login),
  constraint roles_known check (roles <@ array['support', 'desk', 'finance', 'operations', 'marketing', 'engineer'] and cardinality(roles) > 0),
  constraint two_proofs_or_none check ((password_hash is null) = (totp_secret is null)),
  constraint inactive_with_reason check (active = (inactive_reason is null))
);
comment on column accounts.staff.totp_step is 'The 30-second step of the last code that was accepted: a code counts once (RFC 6238 section 5.2).';

create table accounts.staff_setups (
  code_hash   bytea primary key,
  staff_id    uuid not null references accounts.staff (id),
  totp_secret bytea not null,
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  ended_at    timestamptz
);
create index staff_setups_staff on accounts.staff_setups (staff_id) where ended_at is null;

create table accounts.staff_sessions (
  token_hash bytea primary key,
  staff_id   uuid not null references accounts.staff (id),
  device     text not null,
  created_at timestamptz not null,
  seen_at    timestamptz not null,
  expires_at timestamptz not null,
  ended_at   timestamptz
);
create index staff_sessions_staff on accounts.staff_sessions (staff_id, created_at desc);

create table accounts.staff_tokens (
  id         uuid primary key,
  token_hash bytea not null unique,
  staff_id   uuid not null references accounts.staff (id),
  name       text not null,
  roles      text[] not null check (cardinality(roles) > 0),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at    timestamptz,
  ended_at   timestamptz
);
create index staff_tokens_staff on accounts.staff_tokens (staff_id, created_at desc);

-- The audit trail is searched by who, what and when.
create index audit_actor on kit.audit (actor, id);
create index audit_action on kit.audit (action, id);
create index audit_at on kit.audit (at);
