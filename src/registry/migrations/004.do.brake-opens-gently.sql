alter table liveness_brake add column judged_from timestamptz;

comment on column liveness_brake.judged_from is
  'The watermark from which expiry is judged again after the brake has opened by itself: who is coming back just now needs a window to be heard.';
