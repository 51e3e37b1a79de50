CREATE TABLE t (id INT PRIMARY KEY, j JSON, k JSON NOT NULL);
INSERT INTO t VALUES
  (1, '{"n": 1, "b": [1, 2.5, -0.0, 1e300], "a": {"x": null, "é": "😀"}}', '[]'), (2, 'null', '{}'), (3, NULL, '""'),
  (4, '{"n": 18446744073709551615}', '-9223372036854775808'), (5, '{"n": 5}', JSON_ARRAY(CAST('2024-01-01 10:00:00.123456' AS DATETIME(6)), CAST(1.10 AS DECIMAL(5,2)), CAST(X'00FF' AS BINARY), CAST('-10:00:00' AS TIME), b'101'));
-- repeat 120
INSERT INTO t SELECT {n} + 5, j, k FROM t WHERE id IN (1, 2, 3, 5) AND id = {1..5};
