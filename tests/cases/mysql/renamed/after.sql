UPDATE t SET a = 1, b = 2, d = 'd', e = 'e', F = 3 WHERE `key` > 1000;
