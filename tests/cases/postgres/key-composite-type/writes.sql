UPDATE t SET v = v + 1 WHERE p = ROW(1, E'it''s, "so" \\')::place;
UPDATE t SET v = v + 1 WHERE (p).a = {1..150};
UPDATE t SET p.b = (p).b || '+' WHERE (p).a = {1..150};
INSERT INTO t VALUES (ROW(1000 + {n}, NULL), {n});
DELETE FROM t WHERE (p).a = {1..150};
