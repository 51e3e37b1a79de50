UPDATE t SET mail = CONCAT(mail, 'x') WHERE id = {3..150};
UPDATE t SET mail = 'late@example.org' WHERE id IN (1, 2);
