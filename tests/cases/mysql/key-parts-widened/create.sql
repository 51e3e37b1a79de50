CREATE TABLE t (
    a INT, b DATETIME(2), c VARCHAR(20) CHARACTER SET latin1, d DECIMAL(8,2), e TIME, f ENUM('é', 'x') CHARACTER SET latin1, v INT,
    PRIMARY KEY (a, b, c, d, e, f)
);
-- repeat 100
INSERT INTO t VALUES ({n} % 5, '2026-01-01 00:00:00.25', 'größe{n}', {n} / 4, '01:02:03', 1 + {n} % 2, {n});
