-- Outgoing webhooks: who is told what at which address, what happened, and every attempt to tell it.
-- depends: 0012_channels
set lock_timeout = '5s';

create table notices.subscriptions (
  id             uuid primary key,
  url            text not null,
  description    text not null default '',
  events         text[] not null check (cardinality(events) > 0),
  state          text not null default 'active' check (state in ('active', 'paused', 'ended')),
  reason         text,
  state_since    timestamptz not null,
  failing_since  timestamptz,
  contact        bytea,
  contact_masked text,
  contact_locale text not null default 'zh',
  created_at     timestamptz not null,
  constraint subscription_reason check ((state = 'active') = (reason is null))
);
comment on column notices.subscriptions.failing_since is 'The first failure after the last success; null while it works.';
comment on column notices.subscriptions.contact is 'The phone that hears of a pause nobody asked for; sealed.';
create unique index subscription_once on notices.subscriptions (url) where state <> 'ended';

create table notices.signing_secrets (
  id              uuid primary key,
  subscription_id uuid not null references notices.subscriptions (id),
  secret          bytea not null,
  created_at      timestamptz not null,
  expires_at      timestamptz
);
comment on table notices.signing_secrets is 'Each unexpired one signs: after a rotation the old one does so until its end.';
create index signing_secrets_subscription on notices.signing_secrets (subscription_id, created_at desc);
create unique index signing_secret_current on notices.signing_secrets (subscription_id) where expires_at is null;

create table notices.events (
  id          uuid primary key,
  type        text not null,
  subject     text not null,
  body        text not null,
  occurred_at timestamptz not null
);
comment on column notices.events.body is 'The JSON text that is signed and sent, the same at every attempt.';
create index events_occurred on notices.events (occurred_at);

create table notices.deliveries (
  id              bigint generated always as identity primary key,
  event_id        uuid not null references notices.events (id) on delete cascade,
  subscription_id uuid not null references notices.subscriptions (id),
  state           text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed', 'ended')),
  attempts        int not null default 0,
  step            int not null default 0,
  due_at          timestamptz not null,
  leased_until    timestamptz,
  created_at      timestamptz not null,
  finished_at     timestamptz,
  constraint delivery_once unique (event_id, subscription_id),
  constraint delivery_finished check ((state = 'waiting') = (finished_at is null))
);
comment on column notices.deliveries.step is 'The place in the timetable of retries; sending again begins anew.';
create index deliveries_due on notices.deliveries (subscription_id, due_at) where state = 'waiting';
create index deliveries_leased on notices.deliveries (subscription_id) where leased_until is not null;
create index deliveries_recent on notices.deliveries (subscription_id, id desc);

create table notices.delivery_attempts (
  delivery_id bigint not null references notices.deliveries (id) on delete cascade,
  number      int not null,
  started_at  timestamptz not null,
  elapsed_ms  int,
  status      int,
  error       text,
  answer      text,
  primary key (delivery_id, number)
);
comment on table notices.delivery_attempts is 'Written before the call; without elapsed_ms the process ended before it could say what came of it.';
create index delivery_attempts_started on notices.delivery_attempts (started_at);
