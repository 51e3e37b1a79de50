UPDATE t SET v = v + 1 WHERE k = {1..150}.4;
