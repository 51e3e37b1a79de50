UPDATE t SET v = v + 1 WHERE b IN (B'', B'0', B'00');
UPDATE t SET v = v + 1 WHERE b = ({1..150})::bit(10)::varbit;
UPDATE t SET b = b || B'1' WHERE b = ({1..150})::bit(10)::varbit;
INSERT INTO t VALUES (({n})::bit(20)::varbit, B'00000010', {n});
DELETE FROM t WHERE b = ({1..150})::bit(10)::varbit;
