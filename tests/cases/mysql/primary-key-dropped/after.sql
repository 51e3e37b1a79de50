INSERT INTO t (code, v) VALUES ('after', 0);
