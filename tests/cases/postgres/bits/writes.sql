UPDATE t SET b = ~b, v = {B'0'|B'00'|B''|NULL}, kept = {B'1'|B'01'|B''} WHERE id = {1..203};
UPDATE t SET i = ({n})::bit(32) WHERE id = {1..203};
INSERT INTO t (id, v, kept) VALUES (1000 + {n}, B'1', B'0001');
DELETE FROM t WHERE id = {1..203};
UPDATE t SET id = id + 100000 WHERE id = {1..203};
