CREATE TABLE t (id INT PRIMARY KEY, place INT NOT NULL, g INT AS (place * 2) VIRTUAL, s VARCHAR(20) AS (CONCAT('s''', g)) STORED, UNIQUE ug (g), UNIQUE us (s));
-- repeat 300
INSERT INTO t (id, place) VALUES ({n}, {n});
