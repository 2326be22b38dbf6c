-- Support: cases between travellers and people; and ways to an order that need what a person knows instead of an account.
-- depends: 0017_after_sale
set lock_timeout = '5s';

create index orders_phone on orders.orders using hash (phone_index);
create index travellers_document on orders.travellers using hash (document_index);
create index attempts_amount on payments.attempts (amount_minor, created_at);

create table orders.one_time_links (
  token_hash bytea primary key,
  order_id   uuid not null references orders.orders (id),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at    timestamptz
);
create index one_time_links_order on orders.one_time_links (order_id, created_at desc);
create index one_time_links_over on orders.one_time_links (expires_at);
comment on table orders.one_time_links is 'Links that open an order once, sent to the phone it was booked with. Only digests are kept.';

create table orders.misses (
  id       bigint generated always as identity primary key,
  order_id uuid not null references orders.orders (id),
  way      text not null check (way in ('number', 'list', 'link', 'phone')),
  seen_at  timestamptz not null,
  ended_at timestamptz
);
create unique index miss_open on orders.misses (order_id, way) where ended_at is null;
comment on table orders.misses is 'Alarms: an order that its owner could not have found in this way. It ends when the order is found again.';

create schema support;

create function support.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'support.% is append-only', tg_table_name using errcode = 'restrict_violation', constraint = 'append_only';
end $$;

create table support.cases (
  id            uuid primary key,
  number        text not null,
  opening_key   text not null,
  kind          text not null check (kind in ('missing_order', 'charged', 'payment', 'change', 'refund', 'tickets', 'entry', 'account', 'other')),
  order_id      uuid references orders.orders (id),
  intent_id     uuid references payments.intents (id),
  account_id    uuid references accounts.accounts (id),
  phone         bytea not null,
  phone_index   bytea not null,
  phone_masked  text not null,
  locale        text not null,
  channel       text not null check (channel in ('web', 'api', 'phone', 'desk')),
  people        int not null check (people between 1 and 10000),
  state         text not null check (state in ('open', 'waiting_for_traveller', 'answered', 'closed')),
  priority      int not null,
  reasons       text[] not null,
  trip_at       timestamptz,
  money         text not null check (money in ('settled', 'in_doubt', 'without_order')),
  assigned_to   uuid references accounts.staff (id),
  opened_at     timestamptz not null,
  waiting_since timestamptz,
  sla_due_at    timestamptz,
  answered_at   timestamptz,
  closed_at     timestamptz,
  constraint case_number unique (number),
  constraint case_key unique (opening_key),
  constraint case_waits check ((state = 'open') = (waiting_since is not null) and (state = 'open') = (sla_due_at is not null)),
  constraint case_closed check ((state = 'closed') = (closed_at is not null))
);
create index cases_open on support.cases (priority desc, sla_due_at) where state = 'open';
create index cases_recent on support.cases (opened_at desc);
create index cases_account on support.cases (account_id, opened_at desc) where account_id is not null;
create index cases_order on support.cases (order_id) where order_id is not null;
create index cases_phone on support.cases (phone_index, opened_at desc);
comment on column support.cases.reasons is 'Why it has its priority, the weightiest first; see support.priorities.';
comment on column support.cases.answered_at is 'The first answer by a person: what the published figures are made of.';

create table support.messages (
  case_id uuid not null references support.cases (id),
  seq     int not null check (seq > 0),
  author  text not null check (author in ('traveller', 'staff', 'system')),
  actor   text not null,
  key     text,
  body    bytea not null,
  at      timestamptz not null,
  primary key (case_id, seq),
  constraint message_key unique (case_id, key)
);
comment on column support.messages.body is 'Sealed: people write down what they would not publish. Empty: erased by law.';
create trigger messages_stay before delete on support.messages for each row execute function support.refuse_change();
create trigger messages_as_written before update on support.messages for each row
  when ((new.case_id, new.seq, new.author, new.at) is distinct from (old.case_id, old.seq, old.author, old.at) or new.body <> '')
  execute function support.refuse_change();

create table support.evidence (
  case_id uuid not null references support.cases (id),
  seq     int not null check (seq > 0),
  kind    text not null check (kind in ('page', 'typed', 'order', 'payment', 'matches', 'call')),
  content jsonb not null,
  at      timestamptz not null,
  primary key (case_id, seq)
);
comment on table support.evidence is 'What the program itself knew at that moment; documents and phones are masked. Empty: erased by law.';
create trigger evidence_stays before delete on support.evidence for each row execute function support.refuse_change();
create trigger evidence_as_found before update on support.evidence for each row
  when ((new.case_id, new.seq, new.kind, new.at) is distinct from (old.case_id, old.seq, old.kind, old.at) or new.content <> '{}')
  execute function support.refuse_change();

create table support.ratings (
  case_id uuid primary key references support.cases (id),
  score   int not null check (score between 1 and 5),
  words   text not null,
  at      timestamptz not null
);
