CREATE TABLE t (b varbit, f bit(8), v int, PRIMARY KEY (b, f));
INSERT INTO t VALUES (B'', B'00000000', 1), (B'0', B'11111111', 2), (B'00', B'10101010', 3);
-- repeat 150
INSERT INTO t VALUES (({n})::bit(10)::varbit, B'00000001', {n});
