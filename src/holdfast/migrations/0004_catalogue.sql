-- What can be visited and what it costs. Bilingual texts are {"zh": ..., "en": ...}.
-- depends: 0003_accounts
set lock_timeout = '5s';

create schema catalogue;

create table catalogue.sources (
  id      text primary key,
  what    text not null,
  url     text not null,
  quality text not null default '',
  as_of   text not null default ''
);

create table catalogue.venues (
  id          text primary key check (id ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name        jsonb not null,
  city        jsonb not null,
  province    text not null default '',
  kind        text not null,
  summary     jsonb not null default '{}',
  latitude    double precision,
  longitude   double precision,
  time_zone   text not null default 'Asia/Shanghai',
  position    int not null default 0,
  facts       jsonb not null default '[]',
  search_text text not null default '',
  retired_at  timestamptz,
  updated_at  timestamptz not null
);
comment on column catalogue.venues.facts is 'Published figures with their provenance: [{"fact", "label", "value", "status", "source", "as_of", "note"}].';

create table catalogue.openings (
  venue_id        text not null references catalogue.venues (id),
  season          text not null,
  from_day        text not null,
  to_day          text not null,
  opens           time not null,
  closes          time not null,
  last_entry      time not null,
  closed_weekdays int[] not null default '{}',
  provenance      jsonb not null default '{}',
  retired_at      timestamptz,
  primary key (venue_id, season)
);
comment on column catalogue.openings.from_day is 'MM-DD, inclusive; a season may run over the turn of the year.';
comment on column catalogue.openings.closes is 'At or before opens: on the next day; 00:00 to 00:00 is round the clock.';
comment on column catalogue.openings.closed_weekdays is 'ISO weekdays, Monday = 1.';

create table catalogue.special_days (
  venue_id   text not null references catalogue.venues (id),
  day        date not null,
  is_open    boolean not null,
  opens      time,
  closes     time,
  last_entry time,
  reason     jsonb not null default '{}',
  retired_at timestamptz,
  primary key (venue_id, day)
);
comment on column catalogue.special_days.opens is 'Hours of an open special day; null: those of the season.';

create table catalogue.products (
  id                    text primary key check (id ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  venue_id              text not null references catalogue.venues (id),
  name                  jsonb not null,
  real_name             boolean not null default true,
  documents             text[] not null default '{}',
  max_per_order         int not null default 5 check (max_per_order between 1 and 50),
  once_per_document_day boolean not null default true,
  per_account_day       int check (per_account_day > 0),
  release_days          int not null default 7 check (release_days between 0 and 365),
  release_time          time not null default '00:00',
  same_day_sale         boolean not null default true,
  cancel_rule           jsonb not null default '{}',
  provenance            jsonb not null default '{}',
  retired_at            timestamptz,
  updated_at            timestamptz not null
);
comment on column catalogue.products.cancel_rule is '{"text": {zh, en}, "days_before" and "time" of the venue, or "minutes_before_start"; "change_allowed"}.';
comment on column catalogue.products.provenance is 'Rule -> its provenance: {"release_days": {"status", "source", "as_of", "note"}, ...}.';
create index products_venue on catalogue.products (venue_id);

create table catalogue.timeslots (
  product_id text not null references catalogue.products (id),
  code       text not null check (code ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
  name       jsonb not null default '{}',
  starts     time not null,
  ends       time not null,
  share_bp   int not null check (share_bp between 0 and 10000),
  capacity   int check (capacity >= 0),
  provenance jsonb not null default '{}',
  retired_at timestamptz,
  primary key (product_id, code)
);
comment on column catalogue.timeslots.share_bp is 'Part of the product''s day in basis points; an absolute capacity, when given, limits it further.';

create table catalogue.prices (
  id             text primary key check (id ~ '^[a-z0-9][a-z0-9-]{1,94}$'),
  product_id     text not null references catalogue.products (id),
  ticket         text not null,
  name           jsonb not null,
  amount_minor   bigint not null check (amount_minor >= 0),
  currency       char(3) not null default 'CNY',
  from_day       text not null default '01-01',
  to_day         text not null default '12-31',
  uses_place     boolean not null default true,
  position       int not null default 0,
  provenance     jsonb not null default '{}',
  retired_at     timestamptz
);
create index prices_product on catalogue.prices (product_id);

create function catalogue.in_season(day date, from_day text, to_day text) returns boolean language sql immutable as $$
  select case when from_day <= to_day then to_char(day, 'MM-DD') between from_day and to_day
              else to_char(day, 'MM-DD') >= from_day or to_char(day, 'MM-DD') <= to_day end;
$$;
