CREATE TABLE t (name VARCHAR(30) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, v INT);
INSERT INTO t VALUES ('', 0), ('Ärger', 1), ('straße', 2), ('😀', 3), ('NULL', 4), ('a''b\\c', 5);
-- repeat 150
INSERT INTO t VALUES ('{Key|KEY|key} {n}', {n});
