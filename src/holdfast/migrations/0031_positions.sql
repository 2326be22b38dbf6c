-- Messages that can be checked: what was sent never changes, each carries a code; official positions; texts that people report.
-- depends: 0030_campaigns
set lock_timeout = '5s';

-- Every message: its code, the wording it was made from, and the sites its links lead to.
alter table notices.messages
  add column check_code text,
  add column wording    bytea,
  add column link_hosts text[] not null default '{}';
create unique index message_check_code on notices.messages (check_code) where check_code is not null;
comment on column notices.messages.check_code is 'The code in its text under which anybody can compare it; random. Null for messages from before there were codes.';
comment on column notices.messages.wording is 'Digest of the wording it was made from; see notices.wordings.';

create table notices.wordings (
  digest   bytea primary key,
  template text not null,
  locale   text not null,
  text     text not null,
  first_at timestamptz not null
);
comment on table notices.wordings is 'Every version of every template in which something was sent, with places for values.';

create function notices.refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'what was written stays as it is' using errcode = 'restrict_violation';
end $$;
create trigger wordings_stay before update or delete or truncate on notices.wordings
  for each statement execute function notices.refuse_rewriting();

create function notices.hold_message() returns trigger language plpgsql as $$
-- A message can be marked as sent, once, and be redacted, once: recipient and text go together, and nothing else is written instead.
begin
  if tg_op = 'DELETE' then
    raise exception 'a message is redacted, it is never deleted' using errcode = 'restrict_violation';
  end if;
  if (old.id, old.channel, old.template, old.locale, old.created_at, old.check_code, old.wording, old.link_hosts)
     is distinct from (new.id, new.channel, new.template, new.locale, new.created_at, new.check_code, new.wording, new.link_hosts)
     or (old.sent_at is not null and new.sent_at is distinct from old.sent_at) then
    raise exception 'what was sent stays as it is' using errcode = 'restrict_violation';
  end if;
  if (old.recipient, old.recipient_index, old.recipient_masked, old.subject, old.body)
     is distinct from (new.recipient, new.recipient_index, new.recipient_masked, new.subject, new.body)
     and (new.recipient_index <> '' or new.recipient_masked <> '' or new.subject <> ''
          or length(new.body) <> 29 or length(new.recipient) <> 29) then  -- nothing, sealed
    raise exception 'the text of a message can go, it cannot become another one' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger message_held before update or delete on notices.messages for each row execute function notices.hold_message();
create trigger messages_stay before truncate on notices.messages for each statement execute function notices.refuse_rewriting();

create function notices.hold_attachment() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' or exists (select from notices.messages m where m.id = old.message_id and m.recipient_index <> '') then
    raise exception 'files go with their message' using errcode = 'restrict_violation';
  end if;
  return old;
end $$;
create trigger attachment_held before update or delete on notices.attachments
  for each row execute function notices.hold_attachment();

-- What we stand by, in both languages, from when until when. A second person has approved each, and the end of each.
create table notices.positions (
  id           uuid primary key,
  says         jsonb not null,
  keywords     jsonb not null,
  is_urgent    boolean not null default false,
  valid_from   timestamptz not null,
  valid_until  timestamptz,
  proposal_id  uuid,
  proposed_by  text not null,
  approved_by  text not null,
  made_at      timestamptz not null,
  ending_id    uuid,
  ending_why   text,
  constraint says_both check (says ? 'zh' and says ? 'en'),
  constraint two_people check (proposed_by <> approved_by),
  constraint position_ends check (valid_until > valid_from)
);
create index positions_valid on notices.positions (valid_from desc);
comment on column notices.positions.keywords is 'Groups of words, [["claw back", "扣回"], ["discount", "优惠"]]: it speaks to a text in which each group has a word.';
comment on column notices.positions.is_urgent is 'Shown on top of the travellers'' pages while it is valid.';

create function notices.hold_position() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a position ends, it is never deleted' using errcode = 'restrict_violation';
  elsif old.ending_id is not null or new.ending_id is null
     or (old.id, old.says, old.keywords, old.is_urgent, old.valid_from, old.proposal_id, old.proposed_by, old.approved_by, old.made_at)
     is distinct from (new.id, new.says, new.keywords, new.is_urgent, new.valid_from, new.proposal_id, new.proposed_by, new.approved_by, new.made_at) then
    raise exception 'a position can only end, and once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger position_held before update or delete on notices.positions for each row execute function notices.hold_position();
create trigger positions_stay before truncate on notices.positions for each statement execute function notices.refuse_rewriting();

insert into notices.positions (id, says, keywords, valid_from, proposed_by, approved_by, made_at) values
('019b0000-0000-7000-8000-000000000001',
 '{"zh": "已经给出的优惠绝不收回：即使是我们弄错了，优惠也归您，不会扣回、追回，也不会要求补缴。",
   "en": "We never take back a discount that was granted: even if it was our mistake, it is yours. Nothing is deducted or claimed later."}',
 '[["扣回", "追回", "退回", "收回", "补缴", "补交", "补扣", "补差", "追缴", "追款", "追讨", "返还", "退还", "归还", "扣除", "扣款", "取消资格", "撤销", "冲正",
    "claw back", "clawback", "clawed back", "take back", "taken back", "taking back", "took back", "deduct", "pay back", "paid back", "repay", "give back",
    "recover", "reclaim", "revoke", "withdrawn", "reversed", "charged again", "return the", "must be returned"],
   ["补贴", "立减", "优惠", "折扣", "减免", "红包", "返现", "满减", "打折", "折优惠", "八折", "8折", "discount", "subsid", "benefit", "coupon", "promotion", "rebate", "20%"]]',
 '2025-01-01T00:00:00Z', 'house rules', 'migration 0031', '2025-01-01T00:00:00Z'),
('019b0000-0000-7000-8000-000000000002',
 '{"zh": "我们绝不会索要银行卡号、密码或验证码，也不会要求您转账。索要的人不是我们。",
   "en": "We never ask for a card number, a password or a sign-in code, and never for a transfer. Whoever asks is not us."}',
 '[["银行卡", "卡号", "验证码", "校验码", "动态码", "密码", "转账", "转帐", "汇款", "安全账户", "身份证照", "card number", "bank card", "cvv", "password", "sign-in code", "verification code",
    "one-time code", "otp", "transfer", "wire", "safe account"],
   ["提供", "回复", "发送", "发给", "告知", "告诉", "填写", "输入", "转到", "转至", "转入", "汇至", "核实", "验证身份", "上传", "点击", "联系", "绑定", "send", "reply", "enter", "provide", "tell",
    "give us", "fill in", "confirm your", "verify your", "upload", "click", "contact", "to the account"]]',
 '2025-01-01T00:00:00Z', 'house rules', 'migration 0031', '2025-01-01T00:00:00Z'),
('019b0000-0000-7000-8000-000000000003',
 '{"zh": "退款、赔付和优惠都不需要您打开链接去领取或退回：钱会按原支付方式自动退回。",
   "en": "To get money back, or to keep a discount, you never have to open a link: money goes back by itself, the way you paid."}',
 '[["@link"],
   ["退款", "退费", "补贴", "优惠", "红包", "理赔", "赔付", "赔偿", "补偿", "到账", "扣款", "扣回", "追回", "退回", "补缴", "领取", "refund", "discount", "compensation", "subsid", "rebate",
    "claw back", "taken back", "claim", "money back", "coupon"]]',
 '2025-01-01T00:00:00Z', 'house rules', 'migration 0031', '2025-01-01T00:00:00Z');

-- Texts that people report, in heaps of near duplicates.
create table notices.report_clusters (
  id          uuid primary key,
  sample      bytea not null,
  first_at    timestamptz not null,
  last_at     timestamptz not null,
  reports     int not null default 0 check (reports >= 0),
  raised_at   timestamptz,
  state       text not null default 'open' check (state in ('open', 'answered', 'noted')),
  handled_by  text,
  handled_why text not null default '',
  handled_at  timestamptz,
  constraint handled_by_somebody check ((state = 'open') = (handled_at is null) and (handled_at is null) = (handled_by is null)),
  constraint three_reports_raise check (reports < 3 or raised_at is not null)
);
create index report_clusters_last on notices.report_clusters (last_at desc);
comment on column notices.report_clusters.sample is 'The text of the first report, sealed; empty when its time is over.';

create table notices.reports (
  id          uuid primary key,
  cluster_id  uuid not null references notices.report_clusters (id),
  text        bytea not null,
  sender      text not null,
  source      bytea not null,
  verdict     text not null,
  locale      text not null,
  reported_at timestamptz not null
);
create index reports_cluster on notices.reports (cluster_id, reported_at desc);
create index reports_kept on notices.reports (reported_at) where text <> '';
comment on column notices.reports.text is 'What somebody pasted and chose to report, sealed; empty when its time is over.';
comment on column notices.reports.source is 'Blind index of the network it came from: how many different ones there are.';
