UPDATE t SET b = {'\x00'|'\xff00'|''|NULL}, kept = {'\x00'|''|'\x5c'} WHERE id = {1..205};
UPDATE t SET kept = kept || b WHERE id = {1..205} AND length(kept) < 10000;
INSERT INTO t VALUES (1000 + {n}, convert_to('{n}', 'UTF8'), '\x00');
DELETE FROM t WHERE id = {1..205};
UPDATE t SET id = id + 100000 WHERE id = {1..205};
