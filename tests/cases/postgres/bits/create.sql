CREATE TABLE t (id int PRIMARY KEY, b bit(9), v bit varying(70), i bit(32), kept bit varying);
INSERT INTO t VALUES (1, B'000000001', B'', (-1)::bit(32), B''), (2, B'111111111', repeat('10', 35)::bit(70), 0::bit(32), B'0'), (3, NULL, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 3, b, v, i, kept FROM t WHERE id = {1..3};
