-- What hotels, restaurants, desks and cards need of catalogue and inventory: notice, places set aside, a word that still holds.
-- depends: 0019_rights
set lock_timeout = '5s';

alter table catalogue.products add column notice_minutes int check (notice_minutes between 0 and 525600);
comment on column catalogue.products.notice_minutes is 'Sale closes so many minutes before a slot begins: a hotel''s release, a restaurant''s notice. Null: at the last entry.';
alter table catalogue.prices add column with_card boolean not null default false;
comment on column catalogue.prices.with_card is 'Paid with a card''s entitlement: nothing is to pay, and it is never offered for money.';

alter table inventory.slots
  add column set_aside   int not null default 0 check (set_aside >= 0),
  add column fresh_until timestamptz;
comment on column inventory.slots.set_aside is 'Free places that only a desk or another allotment may sell; drawn from there in the transaction of the booking.';
comment on column inventory.slots.fresh_until is 'So long the supplier''s word holds; afterwards nothing is sold until it speaks again. Null: we know ourselves.';

create procedure kit.edit_function(named text, edits text[]) language plpgsql as $$
-- Writes a function anew with each [old, new] of `edits` replaced in its text. What is not found stops the migration.
declare
  whole text := pg_get_functiondef(named::regprocedure);
begin
  for i in 1 .. array_length(edits, 1) loop
    if strpos(whole, edits[i][1]) = 0 then
      raise exception '% is not what this migration knows: %', split_part(named, '(', 1), edits[i][1];
    end if;
    whole := replace(whole, edits[i][1], edits[i][2]);
  end loop;
  execute whole;
end $$;

-- A booking leaves alone what is set aside, asks whether the supplier's word still holds, and takes a card's price with a card only.
call kit.edit_function('orders.place_many(json, json, json, timestamptz, interval, text[])', array[
  ['coalesce(s.capacity - s.taken, 0)', 'coalesce(s.capacity - s.taken - s.set_aside, 0)'],
  ['               when c.id is null then',
     '               when s.fresh_until <= at then jsonb_build_object(''problem'', ''sale-unconfirmed'', ''fields'', jsonb_build_object(''slot_id'', s.id))
               when c.id is null or (c.with_card and (asked[w.n]).channel <> ''card'') then']]);
