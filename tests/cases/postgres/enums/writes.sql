UPDATE t SET m = {'sad'|'it''s "happy" 😀'|NULL}, kept = {'so-so'|''} WHERE id = {1..200};
UPDATE t SET s = {'sad'|'ok'|NULL} WHERE m > 'so-so' AND id = {1..200};
INSERT INTO t (id, m) VALUES (1000 + {n}, 'so-so');
DELETE FROM t WHERE id = {1..200};
