-- Credentials: more ways to prove who one is, restrictions that expire, and what keeps them from falling on everybody.
-- depends: 0015_changes
set lock_timeout = '5s';

-- E-mails beside text messages, with files.
alter table notices.messages add column subject text not null default '';
create table notices.attachments (
  id         bigint generated always as identity primary key,
  message_id uuid not null references notices.messages (id) on delete cascade,
  name       text not null,
  media_type text not null,
  content    bytea not null
);
create index attachments_message on notices.attachments (message_id);

-- What identifies an account: phones, e-mail addresses, identities at a provider (OpenID Connect).
alter table accounts.identifiers drop constraint identifiers_kind_check;
alter table accounts.identifiers add constraint identifiers_kind_check check (kind in ('phone', 'email', 'external')) not valid;
comment on column accounts.identifiers.value is 'Sealed: a number in E.164 form, an e-mail address, or provider and subject.';

-- Codes go to phones and to e-mail addresses, and count for what they were asked for.
alter table accounts.codes add column channel text not null default 'phone' check (channel in ('phone', 'email'));
alter table accounts.codes add column purpose text not null default 'sign-in';
alter table accounts.codes add column device bytea;
alter table accounts.codes add column tries_left_elsewhere int not null default 5;
comment on column accounts.codes.phone is 'Sealed: the number or the e-mail address that the code went to; phone_index is its blind index.';
comment on column accounts.codes.device is 'The known device that asked; it has a limit of its own, which strangers cannot use up.';
comment on column accounts.codes.tries_left_elsewhere is 'Tries from other places than the one that asked: strangers cannot use up the tries of who waits for the code.';

-- Sessions are read by the releases before and after the one that wrote them.
alter table accounts.sessions add column format smallint not null default 1;
alter table accounts.sessions add column facts jsonb not null default '{}';
alter table accounts.sessions add column seen_at timestamptz;
alter table accounts.sessions add column proven_at timestamptz;
comment on column accounts.sessions.format is 'Of the release that wrote it. Readers take what they know and leave the rest.';
comment on column accounts.sessions.proven_at is 'When the person last proved who they are in this session.';

create table accounts.passwords (
  account_id uuid primary key references accounts.accounts (id),
  hash       text not null,
  set_at     timestamptz not null
);

create table accounts.passkeys (
  id            uuid primary key,
  account_id    uuid references accounts.accounts (id),
  staff_id      uuid references accounts.staff (id),
  credential_id bytea not null,
  public_key    bytea not null,
  sign_count    bigint not null,
  transports    text[] not null,
  synced        boolean not null,
  name          text not null,
  created_at    timestamptz not null,
  used_at       timestamptz,
  constraint passkey_unique unique (credential_id),
  constraint passkey_of_one check (num_nonnulls(account_id, staff_id) = 1)
);
create index passkeys_account on accounts.passkeys (account_id);
create index passkeys_staff on accounts.passkeys (staff_id);

create table accounts.spent_challenges (
  digest     bytea primary key,
  expires_at timestamptz not null
);
comment on table accounts.spent_challenges is 'Signed challenges that were answered: each counts once.';

-- Devices that have signed in before.
create table accounts.devices (
  device     bytea not null,
  account_id uuid not null references accounts.accounts (id),
  method     text not null,
  first_at   timestamptz not null,
  last_at    timestamptz not null,
  primary key (device, account_id)
);
create index devices_account on accounts.devices (account_id);
comment on column accounts.devices.device is 'Digest of the random number in the device''s cookie.';

-- Every attempt to sign in: for its owner, for the breaker, for the list of those an incident touched.
create table accounts.sign_ins (
  id         bigint generated always as identity primary key,
  at         timestamptz not null,
  method     text not null,
  succeeded  boolean not null,
  why        text not null default '',
  subject    bytea not null,
  source     bytea not null,
  account_id uuid,
  known      boolean not null,
  device     text not null,
  release_id text not null
);
create index sign_ins_window on accounts.sign_ins (method, at desc) include (succeeded, subject, source, known, account_id);
create index sign_ins_account on accounts.sign_ins (account_id, at desc) where account_id is not null;
comment on column accounts.sign_ins.subject is 'Blind index of the credential that was tried; equal for equal credentials, whether an account has them or not.';

create table accounts.sign_in_hours (
  method    text not null,
  hour      timestamptz not null,
  tries     bigint not null,
  successes bigint not null,
  primary key (method, hour)
);

-- How often a credential failed, from where: it makes the next try wait, and a success forgets it.
create table accounts.failures (
  subject  bytea not null,
  place    bytea not null,
  failed   int not null,
  last_at  timestamptz not null,
  primary key (subject, place)
);
create index failures_old on accounts.failures (last_at);
comment on column accounts.failures.place is 'Blind index of a source or of a known device; empty for all unknown devices together.';

-- There is nothing that can be locked: a restriction bears a reason and the release that wrote it, and ends by itself.
create table accounts.restrictions (
  id          uuid primary key,
  scope       text not null,
  key         bytea not null,
  account_id  uuid references accounts.accounts (id),
  reason      text not null check (reason <> ''),
  release_id  text not null,
  incident_id uuid,
  created_at  timestamptz not null,
  expires_at  timestamptz not null,
  voided_at   timestamptz,
  voided_by   text,
  void_reason text,
  constraint restriction_ends check (expires_at > created_at),
  constraint voided_with_reason check (num_nonnulls(voided_at, voided_by, void_reason) in (0, 3))
);
create index restrictions_key on accounts.restrictions (scope, key, expires_at) where voided_at is null;
create index restrictions_release on accounts.restrictions (release_id, created_at);
create index restrictions_created on accounts.restrictions (created_at);
create index restrictions_account on accounts.restrictions (account_id) where account_id is not null;

-- The breaker of each way to sign in: open, no failure counts against anybody and no restriction is written.
create table accounts.breakers (
  method       text primary key,
  is_open      boolean not null default false,
  changed_at   timestamptz not null,
  reason       text not null default '',
  evidence     jsonb not null default '{}',
  rests_until  timestamptz
);
comment on column accounts.breakers.rests_until is 'Closed by hand: until then it does not open by itself.';

create table accounts.activity (
  one       boolean primary key default true check (one),
  people    bigint not null,
  counted_at timestamptz not null
);
comment on table accounts.activity is 'How many accounts are in use; the cap on new restrictions is a share of it.';
