INSERT INTO t VALUES ('bee', 1, 1);
