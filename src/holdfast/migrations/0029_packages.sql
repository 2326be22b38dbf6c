-- Cards sold by resellers as packages: which visits were chosen with one, and under which name.
-- depends: 0028_waitlist
set lock_timeout = '5s';

create table orders.resale_visits (
  partner_id         text not null references partners.partners (id),
  uuid               uuid not null,
  parent_id          uuid not null references orders.resales (order_id),
  order_id           uuid not null unique references orders.orders (id),
  include_id         text not null references catalogue.products (id),
  reseller_reference text,
  chosen_at          timestamptz not null,
  cancelled_at       timestamptz,
  primary key (partner_id, uuid)
);
create index resale_visits_parent on orders.resale_visits (parent_id);
comment on table orders.resale_visits is 'A visit that was chosen with a package: an order of the channel card, held as long as the package is, paid with the cards that the package becomes.';
comment on column orders.resale_visits.order_id is 'The order as which it is booked now; another one when the visit got another time after the package was confirmed.';
comment on column orders.resale_visits.cancelled_at is 'It was given back alone; null also where the package ended with all of it.';
