-- Every message we send, written before it is sent.
-- depends: 0001_kit
set lock_timeout = '5s';

create schema notices;

create table notices.messages (
  id              uuid primary key,
  channel         text not null check (channel in ('sms', 'email')),
  recipient       bytea not null,
  recipient_index bytea not null,
  recipient_masked text not null,
  template        text not null,
  locale          text not null,
  body            bytea not null,
  created_at      timestamptz not null,
  sent_at         timestamptz
);
create index messages_recipient on notices.messages (recipient_index, created_at desc);
create index messages_recent on notices.messages (created_at desc);
