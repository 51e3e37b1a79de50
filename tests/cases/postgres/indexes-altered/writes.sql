UPDATE t SET b = b + 1000 WHERE id = {1..150};
UPDATE t SET during = int4range(lower(during), upper(during) - 1) WHERE id = {1..150} AND upper(during) - lower(during) > 1;
INSERT INTO t (id, b) VALUES (1000 + {n}, -{n});
DELETE FROM t WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
