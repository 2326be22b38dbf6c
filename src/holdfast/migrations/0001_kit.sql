-- What every domain leans on: remembered replies, the outbox, the timetable, the audit trail.
-- depends:
set lock_timeout = '5s';

create schema kit;

create table kit.replies (
  scope      uuid not null,
  key        text not null,
  body_hash  bytea not null,
  result     jsonb not null,
  created_at timestamptz not null,
  constraint reply_once primary key (scope, key)
);
comment on table kit.replies is 'What was answered under an Idempotency-Key; scope is the account that asked.';

create table kit.outbox (
  id         bigint generated always as identity primary key,
  topic      text not null,
  subscriber text not null,
  payload    jsonb not null,
  emitted_at timestamptz not null,
  due_at     timestamptz not null,
  attempts   int not null default 0,
  error      text,
  parked_at  timestamptz
);
create index outbox_due on kit.outbox (due_at) where parked_at is null;

create table kit.timetable (
  name       text primary key,
  due_at     timestamptz not null,
  started_at timestamptz
);

create table kit.audit (
  id      bigint generated always as identity primary key,
  at      timestamptz not null,
  actor   text not null,
  action  text not null,
  subject text not null,
  details jsonb not null default '{}'
);
create index audit_subject on kit.audit (subject, at);

create function kit.remember_many(scopes uuid[], keys text[], hashes bytea[], results jsonb[], at timestamptz)
returns void language sql as $$
  insert into kit.replies (scope, key, body_hash, result, created_at)
  select s, k, h, r, at from unnest(scopes, keys, hashes, results) as t (s, k, h, r);
$$;

create function kit.emit_many(topic text, subscribers text[], payloads jsonb[], at timestamptz)
returns void language sql as $$
  insert into kit.outbox (topic, subscriber, payload, emitted_at, due_at)
  select topic, s, p, at, at from unnest(payloads) as p cross join unnest(subscribers) as s;
$$;
