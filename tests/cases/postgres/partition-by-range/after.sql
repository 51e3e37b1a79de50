INSERT INTO t (day, v) VALUES (150, 'after'), (250, 'after');
