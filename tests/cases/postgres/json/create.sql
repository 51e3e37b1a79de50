CREATE TABLE t (id int PRIMARY KEY, j json, b jsonb, c json, d jsonb);
INSERT INTO t VALUES
  (1, '{"b":1,  "a" : 2, "b": 3}', '{"b":1,  "a" : 2, "b": 3}', '{"z": 1, "z": 2.50}', '[1.0, 1.00, 1e2]'), (2, ' null ', 'null', 'null', '"x"'),
  (3, '"\ud83d\ude00 \u00e9 😀"', '"\ud83d\ude00 é 😀"', '[]', '{}'), (4, NULL, NULL, NULL, NULL),
  (5, '[1e400, -0, 0.10]', '[1e400, -0, 0.10, 12345678901234567890.1234567890]', '[1e400]', '[[[]]]');
-- repeat 200
INSERT INTO t SELECT {n} + 5, j, b, c, d FROM t WHERE id = {1..5};
