-- Intent -> attempts -> observations. An attempt is committed before its provider is called.
-- depends: 0005_inventory
set lock_timeout = '5s';

create schema payments;

create table payments.intents (
  id           uuid primary key,
  reference    text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency     char(3) not null,
  description  text not null,
  state        text not null default 'open' check (state in ('open', 'paid', 'expired', 'cancelled')),
  conflicted   boolean not null default false,
  expires_at   timestamptz not null,
  created_at   timestamptz not null,
  paid_at      timestamptz,
  constraint intent_reference unique (reference)
);

create table payments.attempts (
  id              uuid primary key,
  intent_id       uuid not null references payments.intents (id),
  provider        text not null,
  method          text not null,
  adapter_version text not null,
  merchant_ref    text not null,
  amount_minor    bigint not null check (amount_minor > 0),
  currency        char(3) not null,
  state           text not null default 'created'
                  check (state in ('created', 'submitted', 'awaiting_user', 'unknown', 'succeeded', 'failed', 'closed')),
  role            text check (role in ('winner', 'duplicate', 'late', 'conflicted')),
  code_url        text,
  provider_txn    text,
  paid_minor      bigint,
  paid_currency   char(3),
  paid_at         timestamptz,
  error_code      text,
  created_at      timestamptz not null,
  expires_at      timestamptz not null,
  queries         int not null default 0,
  next_query_at   timestamptz,
  constraint merchant_ref_unique unique (merchant_ref),
  constraint provider_txn_unique unique (provider, provider_txn)
);
create unique index one_winner on payments.attempts (intent_id) where role = 'winner';
create index attempts_intent on payments.attempts (intent_id);
create index attempts_due on payments.attempts (next_query_at) where next_query_at is not null;

create table payments.observations (
  id           bigint generated always as identity primary key,
  attempt_id   uuid not null references payments.attempts (id),
  source       text not null,
  state        text not null,
  provider_txn text,
  amount_minor bigint,
  currency     text,
  error_code   text,
  digest       bytea,
  before_state text not null,
  after_state  text not null,
  seen_at      timestamptz not null
);
create index observations_attempt on payments.observations (attempt_id, id);

create table payments.calls (
  id            bigint generated always as identity primary key,
  attempt_id    uuid not null references payments.attempts (id),
  operation     text not null,
  started_at    timestamptz not null,
  elapsed_ms    int not null,
  http_status   int,
  outcome_class text not null,
  error_code    text
);
create index calls_attempt on payments.calls (attempt_id);

create table payments.inbox (
  id          uuid primary key,
  provider    text not null,
  dedupe_key  text not null,
  kind        text not null,
  content     jsonb not null,
  received_at timestamptz not null,
  state       text not null default 'new' check (state in ('new', 'applied', 'needs_review')),
  note        text,
  constraint notification_once unique (provider, dedupe_key)
);

create table payments.refunds (
  id            uuid primary key,
  attempt_id    uuid not null references payments.attempts (id),
  refund_ref    text not null,
  amount_minor  bigint not null check (amount_minor > 0),
  currency      char(3) not null,
  reason        text not null,
  state         text not null default 'requested'
                check (state in ('requested', 'processing', 'unknown', 'succeeded', 'abnormal', 'closed')),
  error_code    text,
  created_at    timestamptz not null,
  finished_at   timestamptz,
  queries       int not null default 0,
  next_query_at timestamptz,
  constraint refund_ref_unique unique (refund_ref)
);
create index refunds_attempt on payments.refunds (attempt_id);
create index refunds_due on payments.refunds (next_query_at) where next_query_at is not null;
