-- A charge counts its replays, which may be many: without this it would read all of them.
CREATE INDEX replay_by_charge ON replay (charge);
