-- Channels: several providers, how each of them is, which version of an adapter serves whom, and who switched what.
-- Besides: promises to pay, second receipts, and what a refund draws on.
-- depends: 0011_staff
set lock_timeout = '5s';

alter table payments.intents
  drop constraint intents_state_check,
  add constraint intents_state_check check (state in ('open', 'deferred', 'paid', 'expired', 'cancelled')),
  add column due_at timestamptz,
  add column looked_at timestamptz;
comment on column payments.intents.due_at is 'Of a promise to pay: until when. State deferred: the thing is given already.';
comment on column payments.intents.looked_at is 'When a person last looked at this payment and waited.';
create index intents_promised on payments.intents (due_at) where state = 'deferred';

alter table payments.attempts
  add column provider_ref text,
  add column pay_url text,
  add column client_secret text,
  add column route jsonb not null default '{}',
  add column abandoned_at timestamptz,
  add column priority smallint not null default 1;
comment on column payments.attempts.abandoned_at is 'Another channel was begun while this attempt could still be paid; if both are, one goes back.';
comment on column payments.attempts.priority is '0 holds places and is in doubt, or somebody waits; 1 is open; 2 can hardly bring news.';
drop index payments.attempts_due;
create index attempts_due on payments.attempts (provider, priority, next_query_at) where next_query_at is not null;
create index attempts_created on payments.attempts (created_at);
create index attempts_txn on payments.attempts (provider_txn) where provider_txn is not null;
create index attempts_provider_ref on payments.attempts (provider_ref) where provider_ref is not null;
create index attempts_unknown on payments.attempts (intent_id) where state = 'unknown';
create index intents_conflicted on payments.intents (id) where conflicted;
create index intents_created on payments.intents (created_at);

alter table payments.calls
  alter column attempt_id drop not null,
  add column provider text,
  add column method text,
  add column adapter_version text,
  add column host text;
update payments.calls c set provider = a.provider, method = a.method, adapter_version = a.adapter_version
from payments.attempts a where a.id = c.attempt_id;
alter table payments.calls
  alter column provider set not null, alter column method set not null, alter column adapter_version set not null;
create index calls_of_channel on payments.calls (provider, method, adapter_version, operation, id desc);
create index calls_started on payments.calls (started_at);

alter table payments.observations add column note text;
create index observations_seen on payments.observations (seen_at);

create table payments.channels (
  provider        text not null,
  method          text not null,
  adapter_version text not null,
  operation       text not null,
  state           text not null check (state in ('healthy', 'degraded', 'down', 'returning')),
  since           timestamptz not null,
  reason          text not null,
  share           smallint not null default 100 check (share between 0 and 100),
  next_probe_at   timestamptz,
  counted_from    timestamptz not null,
  constraint one_channel primary key (provider, method, adapter_version, operation)
);
comment on table payments.channels is 'How each channel is. What is not listed is healthy. Share: to how many of a hundred payers it is offered. Counted_from: earlier calls no longer count.';

create table payments.channel_events (
  id              bigint generated always as identity primary key,
  at              timestamptz not null,
  provider        text not null,
  method          text not null,
  adapter_version text not null,
  operation       text not null,
  before_state    text not null,
  after_state     text not null,
  reason          text not null,
  evidence        jsonb not null
);
create index channel_events_at on payments.channel_events (at);

create table payments.switches (
  id        bigint generated always as identity primary key,
  provider  text not null,
  method    text,
  reason    text not null,
  by        text not null,
  at        timestamptz not null,
  until     timestamptz not null,
  lifted_at timestamptz,
  lifted_by text
);
comment on table payments.switches is 'A channel that staff have turned off, why, and until when. Method null: all of the provider.';

create table payments.rollouts (
  provider    text not null primary key,
  version     text not null,
  baseline    text not null,
  mode        text not null check (mode in ('off', 'shadow', 'canary', 'primary')),
  percent     smallint not null check (percent between 0 and 100),
  changed_at  timestamptz not null,
  changed_by  text not null,
  reason      text not null,
  tripped_at  timestamptz,
  trip_reason text
);
comment on table payments.rollouts is 'A new adapter version beside the old one. A trip never rewrites what was intended: both stand here.';

create table payments.shadows (
  id         bigint generated always as identity primary key,
  at         timestamptz not null,
  provider   text not null,
  version    text not null,
  attempt_id uuid not null references payments.attempts (id),
  same       boolean not null,
  served     text not null,
  shadowed   text not null
);
create index shadows_of_version on payments.shadows (provider, version, id desc);

create table payments.second_receipts (
  id           uuid primary key,
  attempt_id   uuid not null references payments.attempts (id),
  provider     text not null,
  provider_txn text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency     char(3) not null,
  state        text not null default 'suspected' check (state in ('suspected', 'confirmed', 'refuted')),
  seen_at      timestamptz not null,
  decided_at   timestamptz,
  next_query_at timestamptz,
  journal_id   uuid,
  constraint second_receipt_once unique (provider, provider_txn)
);
create index second_receipts_txn on payments.second_receipts (provider_txn);
create index second_receipts_due on payments.second_receipts (next_query_at) where next_query_at is not null;

alter table payments.refunds
  add column provider_refund text,
  add column receipt_id uuid references payments.second_receipts (id),
  add column source text not null default 'order' check (source in ('order', 'unapplied')),
  add column journal_id uuid,
  add column requested_by text not null default 'system';
drop index payments.refunds_due;
create index refunds_due on payments.refunds (next_query_at) where next_query_at is not null;
create index refunds_created on payments.refunds (created_at);
create index refunds_abnormal on payments.refunds (created_at) where state = 'abnormal';
create index refunds_closed on payments.refunds (attempt_id) where state = 'closed';
create index refunds_unfinished on payments.refunds (created_at) where state not in ('succeeded', 'closed');

create index inbox_payment on payments.inbox ((content #>> '{payment,merchant_ref}'));
create index inbox_refund on payments.inbox ((content #>> '{refund,refund_ref}'));
create index inbox_review on payments.inbox (received_at) where state = 'needs_review';

create table payments.pace (
  provider    text not null primary key,
  tokens      double precision not null,
  refilled_at timestamptz not null
);
comment on table payments.pace is 'The token bucket of each provider: how many questions may be asked now.';
