-- Suppliers: what each vouches for and for how long, what it says of nights and sittings, every message of its, what it was told.
-- depends: 0025_desk
set lock_timeout = '5s';

create table inventory.words (
  product_id  text primary key references catalogue.products (id),
  said_at     timestamptz,
  minutes     int not null check (minutes between 1 and 525600),
  day_minutes int not null check (day_minutes between 1 and 525600),
  barred_at   timestamptz
);
comment on table inventory.words is 'Products that a supplier vouches for: its last word, and how long it holds for days to come and on the day itself. barred_at: since then it does not count, whatever is said.';

create table inventory.supplied (
  product_id text not null references catalogue.products (id),
  visit_date date not null,
  code       text not null,
  places     int check (places >= 0),
  places_at  timestamptz,
  is_stopped boolean not null default false,
  stopped_at timestamptz,
  reason     jsonb not null default '{}',
  primary key (product_id, visit_date, code),
  constraint places_were_said check ((places is null) = (places_at is null)),
  constraint stop_was_said check (not is_stopped or stopped_at is not null)
);
comment on table inventory.supplied is 'What a supplier says of one night or sitting: at most so many places, sale stopped or not. It only lowers what the policies allow. The two times keep older news from overwriting newer.';

create function inventory.word_until(w inventory.words, visit_date date, zone text) returns timestamptz language sql stable as $$
  select least(
    coalesce(w.barred_at, 'infinity'::timestamptz),
    case when w.said_at is null then 'epoch'::timestamptz
         else greatest(w.said_at + w.day_minutes * interval '1 minute',
                       least(w.said_at + w.minutes * interval '1 minute', visit_date::timestamp at time zone zone)) end);
$$;
comment on function inventory.word_until is 'So long a supplier''s word holds for a slot: until its own day for the longer time, on that day for the shorter.';

create function inventory.begin_with_a_clock() returns trigger language plpgsql as $$
begin
  if new.fresh_until is null then
    select inventory.word_until(w, new.visit_date, v.time_zone) into new.fresh_until
      from inventory.words w join catalogue.venues v on v.id = new.venue_id where w.product_id = new.product_id;
  end if;
  return new;
end $$;
create trigger slots_begin_with_a_clock before insert on inventory.slots for each row execute function inventory.begin_with_a_clock();

create table partners.supplies (
  product_id     text primary key references catalogue.products (id),
  partner_id     text not null references partners.partners (id),
  minutes        int not null check (minutes between 1 and 525600),
  day_minutes    int not null check (day_minutes between 1 and 525600),
  answer_minutes int check (answer_minutes between 1 and 525600),
  price_band_bp  int not null default 2000 check (price_band_bp between 0 and 10000),
  since          timestamptz not null
);
create index supplies_partner on partners.supplies (partner_id);
comment on table partners.supplies is 'Who vouches for which product, and for how long each word holds. answer_minutes: bookings are to be answered within. price_band_bp: price news within it of the price takes effect by itself.';

create table partners.feeds (
  partner_id      text primary key references partners.partners (id),
  locale          text not null default 'zh',
  link_version    int not null default 1,
  subscription_id uuid references notices.subscriptions (id),
  is_demo         boolean not null default false,
  demo_beats      boolean not null default false
);
comment on table partners.feeds is 'How we hear from a partner and tell it: version of its one-tap link, webhook subscription. demo_beats: a demonstration speaks in its name.';

create table partners.feed_secrets (
  id         uuid primary key,
  partner_id text not null references partners.partners (id),
  secret     bytea not null,
  created_at timestamptz not null,
  ended_at   timestamptz
);
create index feed_secrets_partner on partners.feed_secrets (partner_id) where ended_at is null;
comment on table partners.feed_secrets is 'Secrets with which partners sign the webhooks they send us.';

create table partners.messages (
  id          uuid primary key,
  partner_id  text not null references partners.partners (id),
  way         text not null check (way in ('api', 'webhook', 'upload', 'tap', 'console', 'pull', 'demo')),
  key         text,
  body        jsonb not null,
  body_hash   bytea not null,
  said_at     timestamptz not null,
  received_at timestamptz not null,
  outcome     text not null check (outcome in ('applied', 'older', 'waiting', 'refused')),
  results     jsonb not null default '[]',
  said_by     text not null,
  constraint refused_without_key check ((outcome = 'refused') = (key is null))
);
create unique index messages_once on partners.messages (partner_id, way, key);
create index messages_partner on partners.messages (partner_id, id desc);
create trigger messages_stay before update or delete or truncate on partners.messages for each statement execute function changes.refuse_rewriting();
comment on table partners.messages is 'Everything a partner ever said, as it came and what came of it. The same key again is the same message.';

create table partners.price_news (
  id           uuid primary key,
  message_id   uuid not null references partners.messages (id),
  partner_id   text not null references partners.partners (id),
  price_id     text not null references catalogue.prices (id),
  was_minor    bigint not null,
  amount_minor bigint not null check (amount_minor >= 0),
  said_at      timestamptz not null,
  state        text not null check (state in ('waiting', 'applied', 'declined', 'undone', 'superseded')),
  decided_by   text not null default '',
  decided_at   timestamptz,
  reason       text not null default ''
);
create index price_news_price on partners.price_news (price_id, said_at desc);
create index price_news_waiting on partners.price_news (partner_id) where state = 'waiting';

create table partners.bars (
  id         uuid primary key,
  product_id text not null references catalogue.products (id),
  partner_id text not null references partners.partners (id),
  kind       text not null check (kind in ('unanswered', 'refused', 'off', 'staff')),
  note       text not null default '',
  began_at   timestamptz not null,
  began_by   text not null,
  ended_at   timestamptz,
  ended_by   text not null default ''
);
create unique index bars_once on partners.bars (product_id, kind) where ended_at is null;
comment on table partners.bars is 'Why a product is not sold whatever its clock says: bookings nobody answered, a guest turned away, the partner switched off, staff.';

create table partners.asks (
  id           uuid primary key,
  once         text not null unique,
  kind         text not null check (kind in ('booking', 'standing')),
  partner_id   text not null references partners.partners (id),
  product_id   text not null references catalogue.products (id),
  order_number text not null,
  visit_date   date not null,
  code         text not null,
  starts_at    timestamptz not null,
  places       int not null check (places > 0),
  asked_at     timestamptz not null,
  due_at       timestamptz not null,
  told_at      timestamptz,
  answer       text check (answer in ('have', 'cannot', 'withdrawn')),
  answered_at  timestamptz,
  answered_by  text not null default '',
  note         text not null default '',
  settled_at   timestamptz,
  settled_by   text not null default '',
  constraint ask_answered check ((answer is null) = (answered_at is null))
);
create index asks_open on partners.asks (partner_id, due_at) where answer is null;
create index asks_order on partners.asks (order_number);
comment on table partners.asks is 'Bookings that a partner is to answer: new ones, and standing ones after it stopped the sale of their time. cannot: somebody of ours settles it with the traveller.';

create table partners.told (
  id          uuid primary key,
  partner_id  text not null references partners.partners (id),
  kind        text not null check (kind in ('stale', 'silent', 'barred', 'recovered', 'asked')),
  episode     text not null,
  product_ids text[] not null,
  at          timestamptz not null,
  ways        jsonb not null default '[]',
  constraint told_once unique (partner_id, kind, episode)
);
create index told_partner on partners.told (partner_id, id desc);
create trigger told_stays before update or delete or truncate on partners.told for each statement execute function changes.refuse_rewriting();
comment on table partners.told is 'What a partner was told, when and by which ways; once for each episode.';

create table partners.calls (
  id          uuid primary key,
  told_id     uuid not null unique references partners.told (id),
  partner_id  text not null references partners.partners (id),
  opened_at   timestamptz not null,
  ended_at    timestamptz,
  ended_by    text not null default '',
  outcome     text not null default ''
);
create index calls_open on partners.calls (opened_at) where ended_at is null;
comment on table partners.calls is 'Partners that somebody of ours should call. It ends by itself when the partner speaks again.';

create table partners.octo_suppliers (
  partner_id text primary key references partners.partners (id),
  url        text not null,
  token      bytea not null,
  pulled_at  timestamptz,
  failed_at  timestamptz,
  failure    text not null default '',
  horizon    int not null default 30 check (horizon between 1 and 365)
);
comment on table partners.octo_suppliers is 'Suppliers that we ask through their OCTO interface.';

create table partners.octo_items (
  product_id       text primary key references catalogue.products (id),
  partner_id       text not null references partners.octo_suppliers (partner_id),
  octo_product_id  text not null,
  octo_option_id   text not null,
  octo_unit_id     text not null
);

create table partners.octo_times (
  product_id      text not null references partners.octo_items (product_id),
  visit_date      date not null,
  code            text not null,
  availability_id text not null,
  vacancies       int not null,
  seen_at         timestamptz not null,
  primary key (product_id, visit_date, code)
);
comment on table partners.octo_times is 'Which availability of the supplier''s is which of our slots, as last seen.';

create table partners.octo_bookings (
  uuid         uuid primary key,
  partner_id   text not null references partners.octo_suppliers (partner_id),
  product_id   text not null references partners.octo_items (product_id),
  order_key    text not null,
  order_id     uuid not null,
  order_number text,
  visit_date   date not null,
  code         text not null,
  places       int not null check (places > 0),
  state        text not null check (state in ('asking', 'held', 'confirming', 'confirmed', 'cancelling', 'cancelled', 'refused')),
  expires_at   timestamptz,
  began_at     timestamptz not null,
  changed_at   timestamptz not null,
  due_at       timestamptz not null,
  tries        int not null default 0,
  last_error   text not null default ''
);
create index octo_bookings_order on partners.octo_bookings (order_key);
create index octo_bookings_number on partners.octo_bookings (order_number) where order_number is not null;
create index octo_bookings_due on partners.octo_bookings (due_at) where state in ('asking', 'held', 'confirming', 'cancelling');
comment on table partners.octo_bookings is 'A supplier''s side of an order of ours. Its uuid is ours, so an answer that was lost is asked for again and nothing is booked twice.';
