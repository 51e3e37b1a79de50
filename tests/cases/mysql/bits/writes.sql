UPDATE t SET b1 = {0|1|NULL}, b9 = {0..511}, b33 = {0..8589934591}, b64 = ~b64 WHERE id = {1..153};
INSERT INTO t (id, b1, b9, b33, b64) VALUES (1000 + {n}, 1, 256, 4294967296, {n});
DELETE FROM t WHERE id = {4..153};
