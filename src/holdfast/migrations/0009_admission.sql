-- How often something may be asked.
-- depends: 0008_place_many
set lock_timeout = '5s';

create schema admission;

create table admission.windows (
  name       text not null,
  subject    bytea not null,
  started_at timestamptz not null,
  used       int not null,
  primary key (name, subject)
);
