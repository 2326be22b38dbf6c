-- What runs: its stages with what each step rested on, the incident of every stop, and news of a stop that the database made itself.
-- depends: 0032_campaign_review
set lock_timeout = '5s';

create table campaigns.stages (
  version_id   uuid not null references campaigns.versions (id),
  epoch        int not null,
  stage        smallint not null,
  limit_minor  bigint,
  limit_count  bigint,
  seen_from    bigint not null,
  matched_from bigint not null,
  began_at     timestamptz not null,
  began_by     text not null,
  rested_on    jsonb not null default '[]',
  primary key (version_id, epoch, stage)
);
comment on table campaigns.stages is 'When each stage began, by whom, and on what the step into it rested. An epoch of a version begins with its start or with a restart.';
comment on column campaigns.stages.seen_from is 'Orders that had been seen when it began (campaigns.orders_seen); matched_from: those of them that matched this version.';

create function campaigns.begin_stages() returns trigger language plpgsql as $$
begin
  insert into campaigns.stages (version_id, epoch, stage, limit_minor, limit_count, seen_from, matched_from, began_at, began_by)
  values (new.version_id, new.epoch, new.stage, new.stage_minor, new.stage_count, new.share_seen, new.matched, new.stage_since, 'start');
  return null;
end $$;
create trigger stages_begin after insert on campaigns.running for each row execute function campaigns.begin_stages();

create table campaigns.judgements (
  version_id uuid primary key references campaigns.versions (id),
  at         timestamptz not null,
  epoch      int not null,
  stage      smallint not null,
  findings   jsonb not null
);
comment on table campaigns.judgements is 'The newest look at whether a campaign may go to its next stage, and what stands against it.';

create table campaigns.incidents (
  trip_id      uuid primary key references campaigns.trips (id),
  campaign_id  text not null references campaigns.campaigns (id),
  opened_at    timestamptz not null,
  found        jsonb not null,
  restarted_at timestamptz,
  restarted_by uuid
);
create index incidents_newest on campaigns.incidents (opened_at desc);
comment on table campaigns.incidents is 'One for every stop, by the guard or by a person: what had been granted by then. restarted_by: the proposal that let it begin anew.';

create function campaigns.tell_of_trip() returns trigger language plpgsql as $$
-- The guard stops inside a booking; whoever opens incidents hears of it when that is committed.
begin
  insert into kit.outbox (topic, subscriber, payload, emitted_at, due_at)
  values ('campaign.tripped', 'campaigns.jobs.open_incident', jsonb_build_object('trip_id', new.id), clock_timestamp(), clock_timestamp());
  return null;
end $$;
create trigger trips_told after insert on campaigns.trips for each row execute function campaigns.tell_of_trip();
