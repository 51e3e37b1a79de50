UPDATE t SET ts = {NULL|'2024-03-31 02:30:00.5'}, dt = {NULL|'2024-10-27 02:30:00.5'} WHERE id = {1..152};
INSERT INTO t (id, ts, dt) VALUES (1000 + {n}, NOW(6), NOW(6));
DELETE FROM t WHERE id = {3..152};
